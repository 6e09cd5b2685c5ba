// What an answer must look like: every name under which clients ask for a schema, a pattern, a choice or a grammar. A
// request may have one.
#pragma once

#include "server/api/api_request.h"

namespace engine {

// {"type": "text" | "json_object" | "json_schema" | "regex_schema", ...}
absl::Status ReadResponseFormat(const FieldValue& value, ApiRequest& request);

// vLLM's {"json" | "regex" | "choice" | "grammar" | "json_object": ...}
absl::Status ReadStructuredOutputs(const FieldValue& value, ApiRequest& request);

// A field whose name says what it holds: guided_json, regex, ebnf ...
absl::Status ReadGrammar(const FieldValue& value, ApiRequest& request);

}  // namespace engine
