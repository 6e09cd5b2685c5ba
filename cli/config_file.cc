#include "cli/config_file.h"

#include "cli/usage.h"
#include "core/base/files.h"
#include "yaml-cpp/yaml.h"

namespace engine {
namespace {

absl::StatusOr<ConfigEntry> ReadEntry(const std::string& path, const std::string& name, const YAML::Node& value) {
  ConfigEntry entry{.name = name};
  if (value.IsScalar()) {
    entry.values.push_back(value.Scalar());
    return entry;
  }
  if (!value.IsSequence()) return UsageError("%s: %s must be a value or a list of values", path, name);
  for (const YAML::Node& item : value) {
    if (!item.IsScalar()) return UsageError("%s: the list %s may hold plain values only", path, name);
    entry.values.push_back(item.Scalar());
  }
  return entry;
}

}  // namespace

absl::StatusOr<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return MarkUsageError(text.status());
  std::vector<ConfigEntry> entries;
  try {
    std::vector<YAML::Node> documents = YAML::LoadAll(*text);
    std::erase_if(documents, [](const YAML::Node& node) { return node.IsNull(); });
    if (documents.empty()) return entries;
    if (documents.size() > 1)
      return UsageError("%s has %d YAML documents; all flags stand in one", path, documents.size());
    const YAML::Node& document = documents.front();
    if (!document.IsMap()) return UsageError("%s must be a YAML mapping from flags to values", path);
    for (const auto& item : document) {
      if (!item.first.IsScalar()) return UsageError("%s has a key that is not a name", path);
      ASSIGN_OR_RETURN(ConfigEntry entry, ReadEntry(path, item.first.Scalar(), item.second));
      entries.push_back(std::move(entry));
    }
  } catch (const YAML::Exception& error) {
    return UsageError("%s is not valid YAML: %s", path, error.what());
  }
  return entries;
}

}  // namespace engine
