// Decides how many drafted tokens the next step verifies: as many as give the most tokens per second, by what drafts of
// each sequence were worth so far and by what steps cost; none where that is best. Timings decide lengths, never text.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/runtime/drafter.h"
#include "core/runtime/scheduler.h"
#include "core/runtime/step_cost.h"

namespace engine {

class Speculation {
 public:
  // Changes a draft before it is weighed, where more is known of what may follow.
  using Review = std::function<void(DraftSlot& slot)>;

  // `cost` is that of decode steps, and outlives this.
  Speculation(std::unique_ptr<Drafter> drafter, const SchedulerConfig& config, const StepCost& cost,
              Review review = {});

  // Gives the running sequences of `scheduler` drafts for its next step. An error is the drafter's.
  absl::Status Prepare(Scheduler& scheduler);

 private:
  // The chance that a token of a slot's draft is right, with all before it.
  struct Gain {
    float chance;
    int slot;
    int index;  // in the draft
  };

  bool ReadsPrompts(const Scheduler& scheduler) const;
  int MostWorthProposing(const Sequence& sequence, int num_rows) const;
  void ListGains();
  void ChooseLengths(int num_rows);

  std::unique_ptr<Drafter> drafter_;
  Review review_;
  int max_num_seqs_;
  int max_rows_;
  const StepCost& cost_;
  std::vector<DraftSlot> slots_;  // like gains_, storage that is reused from step to step
  std::vector<Gain> gains_;
};

}  // namespace engine
