// What a step's result changes.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/runtime/scheduler.h"
#include "core/runtime/stop_rules.h"

namespace engine {

std::span<const SequenceEvent> Scheduler::Commit(StepPlan plan, const StepResult& result) {
  ENGINE_CHECK(plan.number == next_commit_ && result.rows.size() == plan.rows.size());
  events_.clear();
  for (const ScheduledSequence& part : plan.sequences) {
    Sequence& sequence = Return(part);
    if (sequence.status == SequenceStatus::kRunning) Apply(part, result, plan, sequence);
    RetireIfIdle(sequence);
  }
  Close(std::move(plan));
  return events_;
}

std::span<const SequenceEvent> Scheduler::Abandon(StepPlan plan) {
  ENGINE_CHECK(plan.number == next_commit_);
  events_.clear();
  for (const ScheduledSequence& part : plan.sequences) {
    Sequence& sequence = Return(part);
    if (sequence.status == SequenceStatus::kRunning) Fail(sequence);
    RetireIfIdle(sequence);
  }
  Close(std::move(plan));
  return events_;
}

Sequence& Scheduler::Return(const ScheduledSequence& part) {
  Sequence& sequence = *sequences_.at(part.id);
  --sequence.steps_in_flight;
  sequence.samples_in_flight -= part.samples_next;
  return sequence;
}

void Scheduler::Apply(const ScheduledSequence& part, const StepResult& result, const StepPlan& plan,
                      Sequence& sequence) {
  const std::span<const RowResult> rows = result.rows.subspan(part.first_row, part.num_rows);
  if (!std::ranges::all_of(rows, &RowResult::valid)) {
    Fail(sequence);  // before its blocks are indexed: what they hold may be no numbers
    return;
  }
  sequence.computed = part.first_position + part.num_tokens;
  blocks_->Advance(sequence.blocks, sequence.tokens, sequence.computed);
  for (int row = part.first_row; row < part.first_row + part.num_rows; ++row) {
    if (plan.rows[row].scored == LogitsRow::kSample) {
      ApplySample(row, result.rows[row], sequence);
    } else {
      AddEvent(sequence, SequenceEvent::Kind::kPromptScored, plan.rows[row].position, row, result.rows[row]);
      sequence.prompt_scored = plan.rows[row].position + 1;
    }
  }
}

void Scheduler::ApplySample(int row, const RowResult& sampled, Sequence& sequence) {
  SequenceEvent& event = AddEvent(sequence, SequenceEvent::Kind::kToken, sequence.known(), row, sampled);
  sequence.tokens.push_back(sampled.token);
  event.reason = ReasonToStop(sequence);
  if (event.reason != FinishReason::kNone) End(sequence, event.reason);
}

void Scheduler::Fail(Sequence& sequence) {
  AddEvent(sequence, SequenceEvent::Kind::kFailed, sequence.known(), -1, {}).reason = FinishReason::kError;
  End(sequence, FinishReason::kError);
}

void Scheduler::Close(StepPlan plan) {
  ++next_commit_;
  spare_plans_.push_back(std::move(plan));
}

SequenceEvent& Scheduler::AddEvent(const Sequence& sequence, SequenceEvent::Kind kind, int64_t position, int row,
                                   const RowResult& sampled) {
  return events_.emplace_back(SequenceEvent{.sequence_id = sequence.id,
                                            .kind = kind,
                                            .position = position,
                                            .sampled = sampled,
                                            .row = row,
                                            .cached_tokens = sequence.cached_tokens});
}

}  // namespace engine
