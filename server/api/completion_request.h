// The body of /v1/completions.
#pragma once

#include "server/api/api_request.h"

namespace engine {

std::span<const ApiField> CompletionFields();

// Reads the body into `request`, which holds the model's defaults.
absl::Status ReadCompletionRequest(const Json& body, ApiRequest& request);

}  // namespace engine
