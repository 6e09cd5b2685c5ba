// Server-sent events as OpenAI's chats and completions write them.
#pragma once

#include <string>

#include "server/api/answer.h"

namespace engine {

// One line of JSON.
std::string Event(const Json& data);

// The end of a stream: the usage where it is asked for, in a chunk that begins as `head`; or an error.
std::string UsageThenDone(const Answer& answer, Json head);
std::string ErrorThenDone(const absl::Status& error);

}  // namespace engine
