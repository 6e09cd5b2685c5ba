// What a user with a new device runs first: whether it computes what the CPU computes, each time, and how fast.
#pragma once

#include <functional>
#include <string>

#include "core/base/status.h"
#include "engine/engine.h"

namespace engine {

struct SelfTestCheck {
  std::string name;
  absl::Status result;
  std::string figures;  // what was measured on the way
};

// `options` names model and device. Hands each check to `report` as it ends; a check that fails does not stop the others.
// The status is of what all of them need: the device and the model.
absl::Status SelfTest(const EngineOptions& options, const std::function<void(const SelfTestCheck&)>& report);

}  // namespace engine
