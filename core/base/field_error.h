// Errors about a field of a request: which one, for programs, beside the words.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace engine {

// InvalidArgument: "FIELD MESSAGE". A path may name the field: "tools[2].function.parameters".
absl::Status FieldError(std::string_view field, std::string_view message);

// `status` as one about the field, with its message as it is; OK stays OK.
absl::Status About(std::string_view field, absl::Status status);

// The field that an error is about; empty: none is known.
std::string FieldOf(const absl::Status& error);

}  // namespace engine
