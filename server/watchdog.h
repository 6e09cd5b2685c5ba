// Notices that the engine makes no step while work waits for one.
#pragma once

#include <optional>
#include <string>

#include "core/base/clock.h"
#include "engine/engine_stats.h"

namespace engine {

class Watchdog {
 public:
  explicit Watchdog(double limit_seconds) : limit_seconds_(limit_seconds) {}

  // What is wrong, with the state of the step in flight; nullopt: nothing. To be asked now and then: what counts is the
  // time since a look at which there was no work or another number of steps.
  std::optional<std::string> Look(const EngineStats& stats, TimePoint now);

 private:
  double limit_seconds_;
  int64_t steps_ = -1;
  TimePoint since_;
};

}  // namespace engine
