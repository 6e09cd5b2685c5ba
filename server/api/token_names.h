// Tokens and log-probabilities as responses show them.
#pragma once

#include "server/api/answer.h"

namespace engine {

// A token's text; bytes that are no code point as U+FFFD, or, if the request says so, "token_id:17".
std::string TokenName(const Answer& answer, int32_t token);

// The lowest that JSON can hold in the way the OpenAI API does: minus infinity is -9999.
double ShownLogprob(float logprob);

// Chat: {"content": [{"token", "logprob", "bytes", "top_logprobs"}, ...]}.
Json ChatLogprobs(const Answer& answer, std::span<const TokenLogprobs> tokens);

// Completions: {"tokens", "token_logprobs", "top_logprobs", "text_offset"}, of which the first token is at `offset`, in
// code points of the text.
Json CompletionLogprobs(const Answer& answer, std::span<const TokenLogprobs> tokens, int64_t& offset);

// vLLM's "prompt_logprobs": null for the first token, then {"id": {"logprob", "rank", "decoded_token"}, ...} of each.
Json PromptLogprobs(const Answer& answer, const Choice& choice);

// Code points of a text.
int64_t CodePoints(std::string_view text);

}  // namespace engine
