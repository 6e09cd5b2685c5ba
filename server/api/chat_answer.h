// Answers of /v1/chat/completions.
#pragma once

#include <memory>

#include "server/api/answer.h"

namespace engine {

std::unique_ptr<AnswerFormat> MakeChatFormat();

// A call's id as the model wrote it, or one that no other call has: nine letters and digits, which every chat template
// accepts in the next request.
std::string CallId(const Answer& answer, const Choice& choice, int call, const std::string& written);

}  // namespace engine
