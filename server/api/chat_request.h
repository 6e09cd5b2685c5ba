// The body of /v1/chat/completions.
#pragma once

#include "server/api/api_request.h"

namespace engine {

std::span<const ApiField> ChatFields();

// Reads the body into `request`, which holds the model's defaults. `model` says what its chat template reads.
absl::Status ReadChatRequest(const Json& body, const ModelInfo& model, ApiRequest& request);

// Hands the template's variables over, but for those that it does not read: nothing else would, so they are refused.
absl::Status CheckTemplateKwargs(const std::string& chat_template, ApiRequest& request);

// How much the model is to think: reasoning_effort, under whatever name.
absl::Status ReadEffort(const FieldValue& value, ApiRequest& request);

}  // namespace engine
