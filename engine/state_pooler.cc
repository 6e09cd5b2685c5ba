#include "engine/state_pooler.h"

#include <algorithm>

namespace engine {

void StatePooler::Add(const StepPlan& plan, Runner& runner) {
  for (const ScheduledSequence& part : plan.sequences) {
    // A prompt that is read once more, after its answer was preempted, was taken before.
    const bool answers = part.sequence->known() > part.sequence->prompt_tokens;
    if (!answers && part.sequence->reads_hidden_states) AddPart(part, runner, pools_[part.id]);
  }
}

void StatePooler::AddPart(const ScheduledSequence& part, Runner& runner, Pool& pool) const {
  const int64_t prompt_tokens = part.sequence->prompt_tokens;
  const int64_t wanted = takes_mean_ ? pool.next : prompt_tokens - 1;
  if (takes_mean_ && part.first_position > pool.next)
    pool.error = absl::InternalError("states of a prompt are missing");
  const int64_t begin = std::max(wanted, part.first_position);
  const int64_t end = std::min(part.first_position + part.num_tokens, prompt_tokens);
  if (begin >= end || !pool.error.ok()) return;
  const auto states = runner.HiddenStates(static_cast<int>(part.first_input + begin - part.first_position),
                                          static_cast<int>(end - begin));
  pool.error = states.status();
  if (!states.ok()) return;
  const size_t width = states->size() / (end - begin);
  pool.sum.resize(width);
  for (size_t i = 0; i < states->size(); ++i) pool.sum[i % width] += (*states)[i];
  pool.next = end;
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
