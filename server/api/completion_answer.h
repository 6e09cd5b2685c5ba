// Answers of /v1/completions.
#pragma once

#include <memory>

#include "server/api/answer.h"

namespace engine {

std::unique_ptr<AnswerFormat> MakeCompletionFormat();

}  // namespace engine
