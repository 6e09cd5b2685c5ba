// The runtime contract, checked. docs/runtime_contract.md has it in prose.
#include <algorithm>

#include "core/runtime/scheduler.h"

namespace engine {

absl::Status Scheduler::CheckInvariants() const {
  RETURN_IF_ERROR(CheckQueues());
  std::vector<CacheBlocks::Holding> holdings;
  for (const auto& [id, sequence] : sequences_) {
    RETURN_IF_ERROR(Annotate(CheckSequence(*sequence), absl::StrFormat("sequence %d", id)));
    holdings.push_back({&sequence->blocks, sequence->tokens});
  }
  return blocks_->CheckInvariants(holdings);
}

absl::Status Scheduler::CheckQueues() const {
  if (num_running() > config_.max_num_seqs) {
    return FailedPrecondition("%d sequences run; at most %d may", num_running(), config_.max_num_seqs);
  }
  if (num_steps_in_flight() < 0 || num_steps_in_flight() > config_.max_steps_in_flight) {
    return FailedPrecondition("%d steps are in flight; at most %d may be", num_steps_in_flight(),
                              config_.max_steps_in_flight);
  }
  if (!std::ranges::is_sorted(running_, RunsBefore{})) return FailedPrecondition("running sequences are out of order");
  size_t in_queues = 0;
  for (const auto& [id, sequence] : sequences_) {
    const bool waits = waiting_.contains(sequence.get());
    const bool runs = std::ranges::binary_search(running_, sequence.get(), RunsBefore{});
    if (waits != (sequence->status == SequenceStatus::kWaiting) ||
        runs != (sequence->status == SequenceStatus::kRunning)) {
      return FailedPrecondition("sequence %d is in a queue that is not its status'", id);
    }
    in_queues += waits + runs;
  }
  if (waiting_.num_sequences() != sequences_.size()) {
    return FailedPrecondition("tenants count %d sequences; there are %d", waiting_.num_sequences(), sequences_.size());
  }
  if (in_queues != waiting_.size() + running_.size()) {
    return FailedPrecondition("a queue holds a sequence that was retired");
  }
  return absl::OkStatus();
}

absl::Status Scheduler::CheckSequence(const Sequence& s) const {
  if (s.computed > s.known() || s.known() > s.capacity) {
    return FailedPrecondition("computed %d <= known %d <= capacity %d does not hold", s.computed, s.known(),
                              s.capacity);
  }
  if (s.status != SequenceStatus::kFinished && (s.computed > s.scheduled || s.scheduled > s.blocks.room())) {
    return FailedPrecondition("computed %d <= scheduled %d <= room for %d tokens does not hold", s.computed,
                              s.scheduled, s.blocks.room());
  }
  if (s.steps_in_flight > num_steps_in_flight() || s.samples_in_flight > s.steps_in_flight || s.samples_in_flight < 0) {
    return FailedPrecondition("%d steps in flight, %d of them with a sample, of %d submitted steps", s.steps_in_flight,
                              s.samples_in_flight, num_steps_in_flight());
  }
  if (s.status == SequenceStatus::kFinished && s.steps_in_flight == 0) {
    return FailedPrecondition("it is finished and no submitted step refers to it, but it is not retired");
  }
  if (s.steps_in_flight == 0 && s.scheduled != s.computed) {
    return FailedPrecondition("scheduled %d and computed %d differ without a step in flight", s.scheduled, s.computed);
  }
  if (s.status == SequenceStatus::kWaiting && (s.steps_in_flight > 0 || s.blocks.room() > 0)) {
    return FailedPrecondition("it waits, but has %d steps in flight and room for %d tokens", s.steps_in_flight,
                              s.blocks.room());
  }
  return CheckHeldBlocks(s);
}

// Whatever a step of this sequence still reads is held; whatever it writes belongs to this sequence alone.
absl::Status Scheduler::CheckHeldBlocks(const Sequence& sequence) const {
  for (size_t g = 0; g < sequence.blocks.tables.size(); ++g) {
    const BlockManager& manager = blocks_->group(static_cast<int>(g));
    const BlockTable& table = sequence.blocks.tables[g];
    const int64_t first_visible = FirstVisible(manager.spec(), sequence.computed) / kBlockTokens;
    const int64_t first_written = sequence.computed / kBlockTokens;
    for (int64_t i = first_visible; i < static_cast<int64_t>(table.size()); ++i) {
      if (table[i] == kNullBlock) return FailedPrecondition("visible block %d of group %d was given back", i, g);
      if (i >= first_written && (manager.owners(table[i]) != 1 || manager.is_named(table[i]))) {
        return FailedPrecondition("block %d of group %d is written, but has %d owners and is%s named", i, g,
                                  manager.owners(table[i]), manager.is_named(table[i]) ? "" : " not");
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace engine
