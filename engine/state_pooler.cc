#include "engine/state_pooler.h"

#include <algorithm>

namespace engine {

void StatePooler::Add(const StepPlan& plan, Runner& runner) {
  for (const ScheduledSequence& part : plan.sequences) {
    const bool reads_prompt = part.first_position < part.sequence->prompt_tokens;
    if (reads_prompt && part.sequence->reads_hidden_states) AddPart(part, runner, pools_[part.id]);
  }
}

void StatePooler::AddPart(const ScheduledSequence& part, Runner& runner, Pool& pool) const {
  const int64_t prompt_tokens = part.sequence->prompt_tokens;
  const int64_t wanted = takes_mean_ ? pool.next : prompt_tokens - 1;
  if (takes_mean_ && part.first_position > pool.next)
    pool.error = absl::InternalError("states of a prompt are missing");
  const int64_t end = std::min(part.first_position + part.num_tokens, prompt_tokens);
  for (int64_t position = std::max(wanted, part.first_position); position < end && pool.error.ok(); ++position) {
    const auto state = runner.HiddenState(static_cast<int>(part.first_input + position - part.first_position));
    pool.error = state.status();
    if (!state.ok()) return;
    pool.sum.resize(state->size());
    for (size_t i = 0; i < state->size(); ++i) pool.sum[i] += (*state)[i];
    pool.next = position + 1;
  }
}

absl::StatusOr<std::vector<float>> StatePooler::Take(int64_t sequence) {
  const auto pool = pools_.extract(sequence);
  if (pool.empty()) return std::vector<float>();
  RETURN_IF_ERROR(pool.mapped().error);
  const double count = takes_mean_ ? static_cast<double>(pool.mapped().next) : 1;
  std::vector<float> values;
  for (const double value : pool.mapped().sum) values.push_back(static_cast<float>(value / count));
  return values;
}

}  // namespace engine
