// The input items of /v1/responses.
#pragma once

#include "server/api/api_request.h"

namespace engine {

// "input": a text, or a list of messages, calls, their results, and reasoning. Items of one answer become one message.
absl::Status ReadInput(const FieldValue& value, ApiRequest& request);
Json InputShape();  // of its schema

// "instructions": a system message before everything else.
absl::Status ReadInstructions(const FieldValue& value, ApiRequest& request);

}  // namespace engine
