// Files that tests make.
#pragma once

#include <filesystem>
#include <string_view>

#include "core/base/status.h"

namespace engine {

// Into a directory that is there.
absl::Status WriteFile(const std::filesystem::path& path, std::string_view bytes);

}  // namespace engine
