// The body of /v1/responses. The server keeps no responses: every request brings its whole conversation.
#pragma once

#include "server/api/api_request.h"

namespace engine {

std::span<const ApiField> ResponsesFields();

// Reads the body into `request`, which holds the model's defaults. `model` says what its chat template reads.
absl::Status ReadResponsesRequest(const Json& body, const ModelInfo& model, ApiRequest& request);

}  // namespace engine
