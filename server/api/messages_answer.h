// Answers of /v1/messages.
#pragma once

#include <memory>
#include <string>

#include "server/api/answer.h"

namespace engine {

std::unique_ptr<AnswerFormat> MakeMessagesFormat();

// The body of an error, as Anthropic's clients read it.
std::string MessagesErrorJson(const absl::Status& error);

}  // namespace engine
