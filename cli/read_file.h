// Files that a flag names, read whole.
#pragma once

#include <string>

#include "core/base/status.h"

namespace engine {

// The error names the path and says why: it is a directory, there is no such file …
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace engine
