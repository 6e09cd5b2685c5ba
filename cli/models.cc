#include <cstdio>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/engine_flags.h"
#include "cli/json_output.h"
#include "cli/verbs.h"
#include "engine/inspect.h"
#include "engine/model_path.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// Empty when the model is not in the cache.
std::string PathInCache(std::string_view name) {
  const absl::StatusOr<fs::path> path = CachedModelPath(name);
  std::error_code ignored;
  return path.ok() && fs::exists(*path, ignored) ? path->string() : "";
}

void PrintText() {
  for (const CatalogueModel& model : ModelCatalogue()) {
    const std::string path = PathInCache(model.name);
    absl::PrintF("%-14s %s, %s, %.0f MB; %s\n", model.name, model.description, model.architecture,
                 static_cast<double>(model.bytes) / 1e6,
                 path.empty() ? absl::StrFormat("`engine pull %s` fetches it", model.name) : path);
  }
  for (const std::string& name : PulledRepositories()) absl::PrintF("%-14s %s\n", name, PathInCache(name));
  absl::PrintF("Other models: a .gguf file, a Hugging Face directory, or `engine pull org/name`. Architectures: %s\n",
               absl::StrJoin(SupportedArchitectures(), ", "));
}

Json ToJson() {
  Json models = Json::array();
  for (const CatalogueModel& model : ModelCatalogue()) {
    const std::string path = PathInCache(model.name);
    models.push_back({{"name", model.name},
                      {"description", model.description},
                      {"architecture", model.architecture},
                      {"bytes", model.bytes},
                      {"cached", !path.empty()},
                      {"path", path.empty() ? Json() : Json(path)}});
  }
  for (const std::string& name : PulledRepositories()) {
    models.push_back({{"name", name}, {"cached", true}, {"path", PathInCache(name)}});
  }
  return {{"models", std::move(models)}, {"architectures", SupportedArchitectures()}};
}

}  // namespace

absl::Status ModelsVerb(Arguments arguments) {
  std::string output = "text";
  FlagSet flags("engine models", "Lists models with a short name, those that were pulled, and what can be loaded.");
  AddOutputFlag(flags, output);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  if (output == "json") {
    PrintJson(ToJson());
  } else {
    PrintText();
  }
  return absl::OkStatus();
}

}  // namespace engine
