// The body of /v1/messages, as the Anthropic API writes it.
#pragma once

#include "server/api/api_request.h"

namespace engine {

std::span<const ApiField> MessagesFields();

// Reads the body into `request`, which holds the model's defaults. `model` says what its chat template reads.
absl::Status ReadMessagesRequest(const Json& body, const ModelInfo& model, ApiRequest& request);

// The body of /v1/messages/count_tokens, which need not have max_tokens.
absl::Status ReadCountTokensRequest(const Json& body, const ModelInfo& model, ApiRequest& request);

}  // namespace engine
