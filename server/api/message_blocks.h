// The messages of the Anthropic API: content in blocks, of which some are messages of their own for a chat template.
#pragma once

#include "server/api/api_request.h"

namespace engine {

// "messages".
absl::Status ReadBlockMessages(const FieldValue& value, ApiRequest& request);
Json BlockMessagesShape();  // of their schema

// "system": a text, or a list of text blocks. It comes first.
absl::Status ReadSystem(const FieldValue& value, ApiRequest& request);

}  // namespace engine
