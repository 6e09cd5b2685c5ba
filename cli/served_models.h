// Which models a server has, and under which names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/traffic/traffic_split.h"

namespace engine {

struct ModelToServe {
  std::string model;               // as EngineOptions has it
  std::vector<std::string> names;  // for clients; the first is the one in logs and metrics
  std::string alias = {};          // clients may say this too: `model`, where it was given no name
};

// arguments: "PATH" or "NAME=PATH" each. names: of a single PATH; none: the end of its path. Usage errors.
absl::StatusOr<std::vector<ModelToServe>> ReadModels(const std::vector<std::string>& arguments,
                                                     const std::vector<std::string>& names);

// Refuses a name twice, and routes to models that are not there. Usage errors.
absl::Status CheckNames(const std::vector<ModelToServe>& models,
                        const std::vector<std::shared_ptr<TrafficSplit>>& splits);

}  // namespace engine
