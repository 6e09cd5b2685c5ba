// Where the engine's threads write what they do, and any thread reads it.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "core/base/clock.h"
#include "core/runtime/scheduler.h"
#include "engine/engine.h"

namespace engine {

// Of requests.
struct OpenLimits {
  int64_t running = 0;
  int64_t waiting = 0;
  int64_t all() const { return running + waiting; }
};

// One request's instants.
struct RequestTimes {
  std::string tenant;
  TimePoint submitted = Now();
  int64_t prompt_tokens = 0;
  int64_t max_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompt
  TimePoint admitted;
  TimePoint first_token;
  TimePoint last_token;
  int64_t tokens = 0;
};

// The engine thread holds its lock for a copy of a few hundred bytes twice per step; only Read, which is rare and as
// short, contends for it. What costs more, the histograms of requests, is the output thread's and has a lock of its own.
class StatsBoard {
 public:
  // Engine thread.
  void BeginStep(const Scheduler& scheduler, const StepPlan& plan);
  void CountAccepted(const Scheduler& scheduler, std::span<const SequenceEvent> of_step);
  void EndStep(const Scheduler& scheduler);  // also where there was none

  // Any thread. False if as many requests are open as may, unless it is taken nevertheless. A tenant that has fewer open
  // than an equal share of those that may wait is not turned away by others: in all up to running + 2 * waiting are open.
  bool Open(const std::string& tenant, const OpenLimits& limits, WhenFull when_full);
  void AbandonOpen(const std::string& tenant);  // what was opened never began

  // Output thread.
  void Count(const GenerationUpdate& update, RequestTimes& times);

  EngineStats Read() const;

 private:
  void TakeCounts(const Scheduler& scheduler);
  void AddTokens(const GenerationUpdate& update, RequestTimes& times);
  void End(Finish finish, const RequestTimes& times);
  void Close(const std::string& tenant);

  mutable std::mutex step_mutex_;
  StepStats step_;        // guarded by step_mutex_
  TimePoint step_start_;  // guarded by step_mutex_

  mutable std::mutex request_mutex_;
  RequestStats request_;                    // guarded by request_mutex_
  std::map<std::string, int64_t> open_of_;  // likewise, by tenant; none is 0
};

}  // namespace engine
