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
  const int num_scored = part.num_rows - (part.samples_next ? 1 + part.num_drafted : 0);
  const std::span<const RowResult> rows = result.rows.subspan(part.first_row, num_scored + part.samples_next);
  if (!std::ranges::all_of(rows, &RowResult::valid)) {
    Fail(sequence);  // before its blocks are indexed: what they hold may be no numbers
    return;
  }
  for (int row = part.first_row; row < part.first_row + num_scored; ++row) {
    AddEvent(sequence, SequenceEvent::Kind::kPromptScored, plan.rows[row].position, row, result.rows[row]);
    sequence.prompt_scored = plan.rows[row].position + 1;
  }
  const int num_accepted = part.samples_next ? ApplySamples(part, result, sequence) : 0;
  sequence.computed = part.first_position + part.num_tokens - part.num_drafted + num_accepted;
  if (part.num_drafted > 0) sequence.scheduled = sequence.computed;  // it waited: no later step builds on the rest
  if (sequence.reason == FinishReason::kError) return;
  blocks_->Advance(sequence.blocks, sequence.tokens, sequence.computed);
}

// The next token, and as many after it as the draft foretold. Rows behind a wrong guess are not looked at: they belong
// to a text that nobody wrote. Returns how many drafted tokens were right, those of a part that has ended left out.
int Scheduler::ApplySamples(const ScheduledSequence& part, const StepResult& result, Sequence& sequence) {
  const Draft draft = std::exchange(sequence.draft, {});
  const int first_row = part.first_row + part.num_rows - 1 - part.num_drafted;
  sequence.drafted_tokens += part.num_drafted;
  stats_.drafted_tokens += part.num_drafted;
  int accepted = 0;
  for (bool more = true; more;) {
    const RowResult& sampled = result.rows[first_row + accepted];
    if (!sampled.valid) {
      Fail(sequence);
      break;
    }
    ApplySample(first_row + accepted, sampled, sequence);
    const bool foretold = accepted < draft.size && draft.tokens[accepted] == sampled.token;
    if (accepted < draft.size) sequence.draft_record.Count(draft.evidence[accepted], foretold);
    more = foretold && accepted < part.num_drafted && sequence.status == SequenceStatus::kRunning;
    accepted += more;
    sequence.accepted_tokens += more;
  }
  stats_.accepted_tokens += accepted;
  return accepted;
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
                                            .admitted = sequence.admitted,
                                            .cached_tokens = sequence.cached_tokens,
                                            .drafted_tokens = sequence.drafted_tokens,
                                            .accepted_tokens = sequence.accepted_tokens,
                                            .reads_hidden_states = sequence.reads_hidden_states});
}

}  // namespace engine
