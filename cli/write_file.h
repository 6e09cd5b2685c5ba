// Files that a flag names, written whole.
#pragma once

#include <string>

#include "core/base/status.h"

namespace engine {

// The error names the path.
absl::Status WriteFile(const std::string& path, const std::string& text);

}  // namespace engine
