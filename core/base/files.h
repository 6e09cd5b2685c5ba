// Whole files at once. MappedFile reads in place, FileWriter writes whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace engine {

// The error names the path and says why: it is a directory, there is no such file …
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path);

// Into a directory that is there, in the place of what had the name. The error names the path.
absl::Status WriteFile(const std::filesystem::path& path, std::string_view bytes);

}  // namespace engine
