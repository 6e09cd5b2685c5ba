// What an answer has cost, in tokens and time.
#pragma once

#include "server/api/answer.h"

namespace engine {

// OpenAI's "usage" of all choices together.
Json Usage(const Answer& answer);

// llama.cpp's "timings" of one choice.
Json Timings(const Choice& choice);

// OpenAI's "finish_reason"; null while the choice goes on.
Json FinishReason(const ApiRequest& request, const Generation& generation);

// vLLM's "stop_reason": the stop string, or the token of stop_token_ids, that ended the answer; else null.
Json StopReason(const ApiRequest& request, const Generation& generation);

}  // namespace engine
