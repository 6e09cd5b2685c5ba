// Decides how many tokens of prompts a step reads while sequences wait in it for their next token: as many as take
// `prefill_share` of its time. So a stream's tokens come 1 / (1 - share) times as slowly while a prompt is read, and
// the prompt takes 1 / share times as long as alone in such chunks. What steps and a prompt's tokens cost is learnt from
// the steps that run. Timings decide where prompts are cut, never what is computed.
#pragma once

#include <span>

#include "core/runtime/scheduler_config.h"
#include "core/runtime/sequence.h"
#include "core/runtime/step_cost.h"
#include "core/runtime/step_plan.h"

namespace engine {

class PromptPace {
 public:
  explicit PromptPace(const SchedulerConfig& config) : share_(config.prefill_share), decode_cost_(config.max_sampled) {}

  // For the next step of a scheduler with these running sequences; at least 1, so that every prompt ends.
  int TokensBesideDecodes(std::span<const Sequence* const> running) const;

  // A step that took `seconds`.
  void Observe(const StepPlan& plan, double seconds);

  // Of steps by their rows, prompts' tokens left out.
  const StepCost& decode_cost() const { return decode_cost_; }

 private:
  // A step that decodes is measured by one that reads a single token of a prompt at least this often.
  static constexpr int kMixedSteps = 16;

  void ObserveMixed(int rows, int prompt_tokens, double seconds);

  double share_;
  StepCost decode_cost_;
  double token_seconds_ = 0;       // that a prompt's token adds to a step; 0: none was seen
  int mixed_steps_ = kMixedSteps;  // since decoding was last measured
};

}  // namespace engine
