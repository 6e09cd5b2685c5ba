// What the next step computes: who runs, who enters, who gives way.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/runtime/admission.h"
#include "core/runtime/scheduler.h"

namespace engine {

std::optional<StepPlan> Scheduler::Next(int max_prompt_tokens) {
  if (num_steps_in_flight() == config_.max_steps_in_flight) return std::nullopt;
  chosen_.clear();
  StepBudget budget(config_.max_num_batched_tokens, config_.max_sampled, max_prompt_tokens, running_);
  if (ScheduleRunning(budget)) AdmitWaiting(budget);
  if (chosen_.empty()) return std::nullopt;
  return Submit();
}

// False if blocks ran out: then nobody new may enter.
bool Scheduler::ScheduleRunning(StepBudget& budget) {
  const int64_t preemptions = stats_.preemptions;
  for (size_t i = 0; i < running_.size(); ++i) {  // shrinks from its end when sequences are preempted
    Sequence& sequence = *running_[i];
    budget.Unreserve(sequence);
    const int share = budget.Share(sequence);
    if (share == 0) continue;
    // Those after it must not take what it lacks, and may have to give up their blocks for it once they are idle.
    if (!GrowOrPreempt(i, sequence.scheduled + share)) return false;
    Choose(sequence, share, GrowForDraft(sequence, budget.DraftShare(sequence)), budget);
  }
  budget.UnreserveAll();
  return stats_.preemptions == preemptions;
}

// Makes room for a sequence at the cost of those after it, last first. A step in flight may still use a victim's
// blocks, and samples for it: such a victim is left until the step is committed.
bool Scheduler::GrowOrPreempt(size_t running_index, int64_t num_tokens) {
  Sequence& sequence = *running_[running_index];
  while (!blocks_->Grow(sequence.blocks, num_tokens)) {
    if (running_.size() == running_index + 1 || running_.back()->steps_in_flight > 0) return false;
    PreemptLast();
  }
  return true;
}

// Nobody gives way to a guess: without blocks for all of it, it is cut to the room there is.
int Scheduler::GrowForDraft(Sequence& sequence, int num_drafted) {
  const int64_t known = sequence.known();
  if (num_drafted == 0 || blocks_->Grow(sequence.blocks, known + num_drafted)) return num_drafted;
  return static_cast<int>(sequence.blocks.room() - known);
}

void Scheduler::PreemptLast() {
  Suspend(*running_.back());
  ++stats_.preemptions;
}

// Takes its blocks from a sequence that no step uses, and has it wait.
void Scheduler::Suspend(Sequence& sequence) {
  running_.erase(std::ranges::lower_bound(running_, &sequence, RunsBefore{}));
  blocks_->Release(sequence.blocks);
  sequence.computed = sequence.scheduled = 0;
  sequence.draft.size = sequence.draft.verify = 0;
  sequence.status = SequenceStatus::kWaiting;
  waiting_.PutBack(sequence);
}

void Scheduler::AdmitWaiting(StepBudget& budget) {
  while (!waiting_.empty() && num_running() < config_.max_num_seqs && budget.takes_prompts()) {
    Sequence& sequence = *waiting_.First();
    const PrefixMatch match =
        sequence.takes_cached() ? blocks_->Match(sequence.tokens, sequence.cache_salt) : PrefixMatch{};
    if (!HasRoomNow(sequence, match, config_, *blocks_)) return;
    waiting_.Enter(sequence);
    Start(match, sequence);
    const int share = budget.Share(sequence);
    ENGINE_CHECK(share > 0);
    if (!blocks_->Grow(sequence.blocks, sequence.scheduled + share)) {
      Suspend(sequence);  // blocks that have no memory yet got none
      return;
    }
    Choose(sequence, share, 0, budget);
  }
}

void Scheduler::Start(const PrefixMatch& match, Sequence& sequence) {
  blocks_->Start(match, sequence.cache_salt, sequence.blocks);
  sequence.computed = sequence.scheduled = match.num_tokens();
  sequence.status = SequenceStatus::kRunning;
  running_.insert(std::ranges::upper_bound(running_, &sequence, RunsBefore{}), &sequence);
  // All it will ever need, so that its steps allocate nothing.
  sequence.tokens.reserve(sequence.capacity);
  for (BlockTable& table : sequence.blocks.tables) table.reserve(BlocksForTokens(sequence.capacity));
  if (sequence.cached_tokens < 0) {
    sequence.cached_tokens = match.num_tokens();
    sequence.admitted = Now();
    stats_.prompt_tokens_queried += sequence.prompt_tokens;
    stats_.prompt_tokens_cached += sequence.cached_tokens;
  }
}

void Scheduler::Choose(Sequence& sequence, int num_tokens, int num_drafted, StepBudget& budget) {
  budget.Take(sequence, num_tokens, num_drafted);
  const bool samples = sequence.scheduled + num_tokens >= sequence.known();
  FairQueue::Charge(sequence, num_tokens + num_drafted, samples ? 1 + num_drafted : 0);
  chosen_.push_back({&sequence, num_tokens + num_drafted, num_drafted});
}

StepPlan Scheduler::Submit() {
  StepPlan plan = std::move(spare_plans_.back());
  spare_plans_.pop_back();
  plan.Clear();
  plan.number = next_number_++;
  for (const Choice& choice : chosen_) {
    if (choice.num_tokens == 1) AppendAndMark(choice, plan);
  }
  for (const Choice& choice : chosen_) {
    if (choice.num_tokens > 1) AppendAndMark(choice, plan);
  }
  return plan;
}

void Scheduler::AppendAndMark(const Choice& choice, StepPlan& plan) {
  Sequence& sequence = *choice.sequence;
  plan.Append(sequence, choice.num_tokens, choice.num_drafted);
  sequence.scheduled += choice.num_tokens;
  ++sequence.steps_in_flight;
  if (plan.sequences.back().samples_next) {
    ++sequence.samples_in_flight;
    sequence.last_sampled_row = static_cast<int>(plan.rows.size()) - 1;
  }
}

}  // namespace engine
