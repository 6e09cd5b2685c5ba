#include "core/runtime/step_budget.h"

#include <algorithm>

namespace engine {
namespace {

// Mirrors StepPlan::Append: one row per prompt token to score, one for the sample.
int64_t RowsOf(const Sequence& sequence, int64_t num_tokens) {
  const int64_t end = sequence.scheduled + num_tokens;
  const int64_t first_scored = std::max(sequence.scheduled + 1, sequence.prompt_scored);
  const int64_t end_scored = std::min(end + 1, sequence.prompt_tokens);
  const bool samples_next = end == sequence.known() + sequence.samples_in_flight;
  return std::max<int64_t>(0, end_scored - first_scored) + samples_next;
}

}  // namespace

int64_t ReadyTokens(const Sequence& sequence) {
  const int64_t coming = sequence.known() + sequence.samples_in_flight;
  const bool must_wait = sequence.waits_for_samples || coming >= sequence.capacity;
  // Behind a draft nothing is ready: how much of it stays is known when its step is committed.
  return sequence.samples_in_flight > 0 && must_wait ? 0 : std::max<int64_t>(0, coming - sequence.scheduled);
}

StepBudget::StepBudget(int max_tokens, int max_rows, int max_prompt_tokens, std::span<Sequence* const> running)
    : tokens_(max_tokens), rows_(max_rows), prompt_tokens_(max_tokens) {
  for (const Sequence* sequence : running) {
    const int64_t ready = ReadyTokens(*sequence);
    reserved_tokens_ += ready == 1;
    reserved_rows_ += ready > 0;
  }
  if (reserved_tokens_ > 0) prompt_tokens_ = std::max(1, max_prompt_tokens);
}

void StepBudget::Unreserve(const Sequence& sequence) {
  const int64_t ready = ReadyTokens(sequence);
  reserved_tokens_ -= ready == 1;
  reserved_rows_ -= ready > 0;
}

int StepBudget::Share(const Sequence& sequence) const {
  if (is_spent()) return 0;
  const int64_t ready = ReadyTokens(sequence);
  int64_t share = std::min(ready, tokens_ - reserved_tokens_);
  if (ready > 1) share = std::min(share, prompt_tokens_);
  if (sequence.scores_prompt()) {
    const int64_t already_scored = std::max<int64_t>(0, sequence.prompt_scored - 1 - sequence.scheduled);
    share = std::min(share, already_scored + rows_ - reserved_rows_);
  }
  return static_cast<int>(share);
}

// Each drafted token is a token more and a row more. What the sequence may still get ends with a sampled token.
int StepBudget::DraftShare(const Sequence& sequence) const {
  if (sequence.steps_in_flight > 0 || ReadyTokens(sequence) != 1) return 0;
  const int64_t left = std::min(tokens_ - reserved_tokens_, rows_ - reserved_rows_) - 1;
  const int64_t share = std::min({left, sequence.capacity - sequence.known() - 1, int64_t{sequence.draft.verify}});
  return static_cast<int>(std::max<int64_t>(0, share));
}

void StepBudget::Take(const Sequence& sequence, int num_tokens, int num_drafted) {
  tokens_ -= num_tokens + num_drafted;
  if (ReadyTokens(sequence) > 1) prompt_tokens_ -= num_tokens;
  rows_ -= RowsOf(sequence, num_tokens) + num_drafted;
}

}  // namespace engine
