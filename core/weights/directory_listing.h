// The names of the files in one directory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace engine {

struct DirectoryListing {
  std::string path;
  std::vector<std::string> names;  // sorted

  bool Has(std::string_view name) const;
  std::string PathOf(std::string_view name) const;
  std::vector<std::string> WithSuffix(std::string_view suffix) const;
};

absl::StatusOr<DirectoryListing> ListDirectory(const std::string& path);

// `name` inside `directory`; refuses names that could lead elsewhere, since a checkpoint's own files may supply them.
absl::StatusOr<std::string> PathInside(const std::string& directory, std::string_view name);

}  // namespace engine
