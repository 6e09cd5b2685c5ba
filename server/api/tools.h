// Tools of a chat request, and how it may be answered with them.
#pragma once

#include "server/api/api_request.h"

namespace engine {

inline constexpr size_t kMaxTools = 512;

absl::Status ReadTools(const FieldValue& value, ApiRequest& request);
Json ToolsShape();      // of their schema
Json FlatToolsShape();  // as /v1/responses has them: without "function" around
absl::Status ReadToolChoice(const FieldValue& value, ApiRequest& request);
absl::Status ReadParallelCalls(const FieldValue& value, ApiRequest& request);

// As tools were asked for at first; answers then have that form too.
absl::Status ReadFunctions(const FieldValue& value, ApiRequest& request);
absl::Status ReadFunctionChoice(const FieldValue& value, ApiRequest& request);

// What these fields say together, once all are read. Tools that the chat template does not show to the model are refused.
absl::Status CheckTools(const std::string& chat_template, ApiRequest& request);

}  // namespace engine
