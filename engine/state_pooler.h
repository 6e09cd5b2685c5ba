// Makes one vector of the states of a prompt's tokens, as the head would read them: that of the last one, or the mean of
// all, added up in their order. Belongs to the engine thread.
#pragma once

#include <unordered_map>
#include <vector>

#include "core/runtime/step_plan.h"
#include "engine/runner.h"

namespace engine {

class StatePooler {
 public:
  explicit StatePooler(bool takes_mean) : takes_mean_(takes_mean) {}

  // Takes what the runner's last step, which was `plan`, has computed of prompts whose states are read.
  void Add(const StepPlan& plan, Runner& runner);

  // What came of a prompt that is computed to its end, once; why there is nothing.
  absl::StatusOr<std::vector<float>> Take(int64_t sequence);
  void Drop(int64_t sequence) { pools_.erase(sequence); }

 private:
  struct Pool {
    int64_t next = 0;  // position: those before are in it; a preempted prompt is computed again
    std::vector<double> sum;
    absl::Status error;
  };

  void AddPart(const ScheduledSequence& part, Runner& runner, Pool& pool) const;

  const bool takes_mean_;
  std::unordered_map<int64_t, Pool> pools_;
};

}  // namespace engine
