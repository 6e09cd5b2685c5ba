// Where the engine's threads write what they do, and any thread reads it.
#pragma once

#include <mutex>
#include <optional>

#include "core/base/clock.h"
#include "core/runtime/scheduler.h"
#include "engine/engine.h"

namespace engine {

// One request's instants.
struct RequestTimes {
  TimePoint submitted = Now();
  int64_t prompt_tokens = 0;
  int64_t max_tokens = 0;
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
  void CountAccepted(std::span<const SequenceEvent> of_step);
  void EndStep(const Scheduler& scheduler);  // also where there was none

  // Any thread. False if `max_open` requests are open already, unless it is taken nevertheless.
  bool Open(int64_t max_open, WhenFull when_full);
  void AbandonOpen();  // what was opened never began

  // Output thread.
  void Count(const GenerationUpdate& update, RequestTimes& times);

  EngineStats Read() const;

 private:
  void TakeCounts(const Scheduler& scheduler);
  void AddTokens(const GenerationUpdate& update, RequestTimes& times);
  void End(Finish finish, const RequestTimes& times);

  mutable std::mutex step_mutex_;
  StepStats step_;        // guarded by step_mutex_
  TimePoint step_start_;  // guarded by step_mutex_

  mutable std::mutex request_mutex_;
  RequestStats request_;  // guarded by request_mutex_
};

}  // namespace engine
