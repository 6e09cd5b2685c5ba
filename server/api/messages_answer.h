// Answers of /v1/messages.
#pragma once

#include <memory>

#include "server/api/answer.h"

namespace engine {

std::unique_ptr<AnswerFormat> MakeMessagesFormat();

}  // namespace engine
