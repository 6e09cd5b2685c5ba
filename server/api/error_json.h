// From a status to the answer that says it.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"
#include "server/http/error_body.h"

namespace engine {

// `status` with the request's field that it is about, and a word for programs ("model_not_found"); either may be empty.
absl::Status WithDetails(absl::Status status, std::string_view param, std::string_view code = "");

// The HTTP status of an error: 400 for what a request can change, 404, 429 when a later try may do, 503, 500.
int HttpStatus(const absl::Status& status);

// The body.
std::string ErrorJson(const absl::Status& status, ErrorWriter write = ErrorBody);

}  // namespace engine
