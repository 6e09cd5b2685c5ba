#include <cstdio>

#include "absl/strings/str_format.h"
#include "cli/fetch_model.h"
#include "cli/flags.h"
#include "cli/usage.h"
#include "cli/verbs.h"

namespace engine {

absl::Status PullVerb(Arguments arguments) {
  std::string name;
  FlagSet flags(
      "engine pull NAME",
      "Fetches a model and prints its path; does nothing when it is there: in $ENGINE_CACHE/models, else\n"
      "$XDG_CACHE_HOME/engine/models, else ~/.cache/engine/models. Of a repository it takes *.safetensors, *.json\n"
      "and *.jinja, by hf, huggingface-cli or Python's huggingface_hub, whichever is there.");
  flags.AddPositional(
      {"--model,-m", "NAME", "a name that `engine models` lists, or a Hugging Face repository org/name"}, name);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  if (name.empty()) return UsageError("name a model to pull; `engine models` lists those that have a short name");

  absl::StatusOr<std::string> path = ResolveModel(name);
  if (!path.ok()) {
    ASSIGN_OR_RETURN(const std::filesystem::path destination, CachedModelPath(name));
    absl::FPrintF(stderr, "fetching %s\n", name);
    const CatalogueModel* model = FindCatalogueModel(name);
    RETURN_IF_ERROR(model != nullptr ? FetchFromPackage(*model, destination) : FetchRepository(name, destination));
    path = destination.string();
  }
  absl::PrintF("%s\n", *path);
  return absl::OkStatus();
}

}  // namespace engine
