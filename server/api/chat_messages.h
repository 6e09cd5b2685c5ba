// The messages and tools of a chat, as the OpenAI API writes them.
#pragma once

#include "server/api/api_request.h"

namespace engine {

// "messages" of a request.
absl::Status ReadMessages(const FieldValue& value, ApiRequest& request);
Json MessagesShape();  // of their schema

// Content: a text, null, or a list of parts of type text.
absl::Status ReadContent(const FieldValue& value, ChatMessage& message);

// Arguments of a call: a JSON object as text, which is OpenAI's form, or as it is.
absl::Status ReadArguments(const FieldValue& value, ToolCall& call);

}  // namespace engine
