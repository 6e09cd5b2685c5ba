// What a user with a new device runs first: whether it computes what the CPU computes, each time and nowhere else, and how
// close it comes to its own limits.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/base/status.h"

namespace engine {

struct SelfTestOptions {
  std::string device;
  std::optional<std::string> model = std::nullopt;  // besides the built-in ones
  int threads = 0;                                  // CPU
  int tensor_parallel_size = 1;                     // devices that compute each model together, from `device` on
};

struct SelfTestCheck {
  std::string name;
  absl::Status result;
  std::string figures;  // what was measured on the way
};

using CheckSink = std::function<void(const SelfTestCheck&)>;

// Hands each check to `report` as it ends; a check that fails does not stop the others. The status is of what all of them
// need: the device. Takes less than eight minutes.
absl::Status SelfTest(const SelfTestOptions& options, const CheckSink& report);

}  // namespace engine
