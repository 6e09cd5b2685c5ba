// From a status to the answer that says it.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"
#include "server/http/error_body.h"

namespace engine {

// `status` with a word for programs: "model_not_found".
absl::Status WithCode(std::string_view code, absl::Status status);

// The HTTP status of an error: 400 for what a request can change, 404, 429 when a later try may do, 503, 500.
int HttpStatus(const absl::Status& status);

// The body; its param is the field that the error is about.
std::string ErrorJson(const absl::Status& status, ErrorWriter write = ErrorBody);

}  // namespace engine
