#include "cli/served_models.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/strings/str_join.h"
#include "cli/usage.h"

namespace engine {
namespace {

// Where a name ends; npos: there is none. A path may hold a "=", as a file's name or behind a slash.
size_t EndOfName(const std::string& argument) {
  const size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0 || argument.find('/') < equals) return std::string::npos;
  std::error_code error;  // such as of a path that is too long
  return std::filesystem::exists(argument, error) ? std::string::npos : equals;
}

std::string EndOfPath(const std::string& model) {
  std::filesystem::path path(model);
  if (path.filename().empty()) path = path.parent_path();  // "model/"
  return path.filename().string();
}

}  // namespace

absl::StatusOr<std::vector<ModelToServe>> ReadModels(const std::vector<std::string>& arguments,
                                                     const std::vector<std::string>& names) {
  std::vector<ModelToServe> models;
  bool are_named = false;
  for (const std::string& argument : arguments) {
    const size_t end = EndOfName(argument);
    if (end == std::string::npos) {
      models.push_back({argument, {EndOfPath(argument)}, argument});
    } else {
      models.push_back({argument.substr(end + 1), {argument.substr(0, end)}});
      are_named = true;
    }
  }
  if (names.empty()) return models;
  if (models.size() > 1 || are_named) {
    return UsageError("--served-model-name names a model that has no name yet and is the only one; here are %s",
                      absl::StrJoin(arguments, " "));
  }
  models.front() = {models.front().model, names};
  return models;
}

absl::Status CheckNames(const std::vector<ModelToServe>& models,
                        const std::vector<std::shared_ptr<TrafficSplit>>& splits) {
  std::vector<std::string> models_names;
  std::set<std::string> seen;
  for (const ModelToServe& model : models) {
    for (const std::string& name : model.names) {
      if (name.empty()) return UsageError("a name of %s is empty; clients need one to ask for it", model.model);
      if (!seen.insert(name).second) {
        return UsageError("two models are called %s; name each for clients, as in a=PATH b=PATH", name);
      }
      models_names.push_back(name);
    }
    if (!model.alias.empty()) seen.insert(model.alias);
  }
  for (const auto& split : splits) {
    if (!seen.insert(split->name()).second) {
      return UsageError("--route %s has the name of a model or of another route", split->name());
    }
    for (const TrafficSplit::Share& share : split->shares()) {
      if (std::ranges::find(models_names, share.model) != models_names.end()) continue;
      return UsageError("--route %s goes to %s, which is not served; the models are %s", split->name(), share.model,
                        absl::StrJoin(models_names, ", "));
    }
  }
  return absl::OkStatus();
}

}  // namespace engine
