// A YAML file of flags: names without dashes in front, values or lists of values.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"

namespace engine {

struct ConfigEntry {
  std::string name;  // "max-tokens", as written
  std::vector<std::string> values;
};

absl::StatusOr<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path);

}  // namespace engine
