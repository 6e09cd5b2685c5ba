#include "core/weights/directory_listing.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace engine {

bool DirectoryListing::Has(std::string_view name) const { return std::ranges::binary_search(names, name); }

std::string DirectoryListing::PathOf(std::string_view name) const {
  return (std::filesystem::path(path) / name).string();
}

std::vector<std::string> DirectoryListing::WithSuffix(std::string_view suffix) const {
  std::vector<std::string> found;
  for (const std::string& name : names) {
    if (name.ends_with(suffix)) found.push_back(name);
  }
  return found;
}

absl::StatusOr<DirectoryListing> ListDirectory(const std::string& path) {
  DirectoryListing listing{path, {}};
  std::error_code error;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    listing.names.push_back(entry->path().filename().string());
  }
  if (error) return absl::UnavailableError(absl::StrFormat("%s: cannot list it: %s", path, error.message()));
  std::ranges::sort(listing.names);
  return listing;
}

absl::StatusOr<std::string> PathInside(const std::string& directory, std::string_view name) {
  if (name.empty() || name == "." || name == ".." || name.find_first_of(std::string_view("/\\\0", 3)) != name.npos) {
    return InvalidArgument("%s: \"%s\" is not the name of a file in this directory", directory, name);
  }
  return (std::filesystem::path(directory) / name).string();
}

}  // namespace engine
