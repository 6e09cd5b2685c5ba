// Answers of /v1/responses.
#pragma once

#include <memory>

#include "server/api/answer.h"

namespace engine {

std::unique_ptr<AnswerFormat> MakeResponsesFormat();

}  // namespace engine
