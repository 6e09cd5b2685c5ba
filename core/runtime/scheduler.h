// Decides what each step computes, and keeps every sequence's state. The loop above it is
//
//   while (has work) { plan = Next(); fill and submit it; when its result is there: Commit(plan, result); }
//
// with up to max_steps_in_flight plans between Next and Commit, committed in order, each exactly once.
//
// - Sequences run in order of priority, then of entering. Every running sequence that decodes gets its token; prompts are
//   read in chunks with what remains of the token budget, in the same steps.
// - A waiting sequence enters in its order (fair_queue.h) when the cache has room for all its tokens. When blocks run out
//   later, the last running sequence loses its blocks, never its tokens, and waits to be computed again, before all that
//   have not entered and are not more urgent.
// - A sequence that ends while submitted steps still write its blocks keeps them until those are committed.
//
// Belongs to the engine thread. docs/runtime_contract.md lists what CheckInvariants() checks.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/base/status.h"
#include "core/kv/cache_blocks.h"
#include "core/kv/cache_spec.h"
#include "core/runtime/fair_queue.h"
#include "core/runtime/scheduler_config.h"
#include "core/runtime/sequence.h"
#include "core/runtime/step_budget.h"
#include "core/runtime/step_plan.h"

namespace engine {

struct SequenceEvent {
  enum class Kind : uint8_t {
    kToken,         // a new token; with kStop it is a stop token, with kLength there was no room for another
    kPromptScored,  // the log-prob of a prompt token
    kFailed,        // the sequence ended without a token; reason is kError
  };
  int64_t sequence_id = 0;
  Kind kind = Kind::kToken;
  FinishReason reason = FinishReason::kNone;  // otherwise this is the sequence's last event
  int64_t position = 0;                       // of the token in its sequence
  RowResult sampled;
  int row = -1;                      // of the step's result; -1 if it has none
  TimePoint admitted;                // when the sequence first entered
  int64_t cached_tokens = 0;         // of the prompt, found in the cache
  int64_t drafted_tokens = 0;        // verified for this sequence so far
  int64_t accepted_tokens = 0;       // of those, right: tokens that needed no step of their own
  bool reads_hidden_states = false;  // the request does, of this row
};

struct SchedulerStats {
  int64_t preemptions = 0;
  int64_t prompt_tokens_queried = 0;  // of admitted requests
  int64_t prompt_tokens_cached = 0;   // of those, found in the prefix cache
  int64_t drafted_tokens = 0;         // verified
  int64_t accepted_tokens = 0;        // of those, right
};

class Scheduler {
 public:
  // num_blocks: blocks in each group's pool. Without `back` all of them have memory.
  static absl::StatusOr<Scheduler> Create(SchedulerConfig config, std::span<const CacheGroup> groups,
                                          std::span<const int> num_blocks, const BackBlocks& back = nullptr);

  // Refuses, with the numbers, what could never run.
  absl::Status Add(Request request);

  // Ends a sequence from outside: a cancelled request, a stop string. False if there is no such unfinished sequence.
  bool Finish(int64_t id, FinishReason reason);
  bool Cancel(int64_t id) { return Finish(id, FinishReason::kAbort); }

  // Whether a draft of the sequence's next tokens could be verified in the next step: it decodes, and its last token is
  // known.
  static bool TakesDraft(const Sequence& sequence);

  // What the next step verifies if there is room, and what the next token is compared with. Wrong drafts cost time and
  // change nothing. The sequence is one of running() that takes a draft; the draft replaces its last one.
  void SetDraft(const Sequence& sequence, const Draft& draft);

  // The next step, or nothing while max_steps_in_flight are out or no sequence can go on before a commit.
  // With no step in flight there is a plan whenever there is a sequence. While sequences decode it reads no more than
  // `max_prompt_tokens` of prompts, at least 1.
  std::optional<StepPlan> Next(int max_prompt_tokens = std::numeric_limits<int>::max());

  // Applies the oldest submitted step. The events are valid until the next call of Commit or Abandon.
  std::span<const SequenceEvent> Commit(StepPlan plan, const StepResult& result);

  // The oldest submitted step failed: its sequences end with kError.
  std::span<const SequenceEvent> Abandon(StepPlan plan);

  bool has_sequences() const { return !sequences_.empty(); }  // ended ones with steps in flight included
  int num_waiting() const { return static_cast<int>(waiting_.size()); }
  int num_running() const { return static_cast<int>(running_.size()); }
  int num_steps_in_flight() const { return static_cast<int>(next_number_ - next_commit_); }
  std::span<const Sequence* const> running() const { return running_; }  // in the order in which they get their tokens
  const SchedulerConfig& config() const { return config_; }
  const SchedulerStats& stats() const { return stats_; }
  const CacheBlocks& blocks() const { return *blocks_; }
  const Sequence* Find(int64_t id) const;  // nullptr once it is retired

  // Names the first broken promise of docs/runtime_contract.md.
  absl::Status CheckInvariants() const;

 private:
  Scheduler(SchedulerConfig config, std::unique_ptr<CacheBlocks> blocks);

  struct Choice {
    Sequence* sequence;
    int num_tokens;
    int num_drafted;
  };

  bool ScheduleRunning(StepBudget& budget);
  void AdmitWaiting(StepBudget& budget);
  bool GrowOrPreempt(size_t running_index, int64_t num_tokens);
  void PreemptLast();
  void Start(const PrefixMatch& match, Sequence& sequence);
  void Suspend(Sequence& sequence);
  int GrowForDraft(Sequence& sequence, int num_drafted);
  void Choose(Sequence& sequence, int num_tokens, int num_drafted, StepBudget& budget);
  StepPlan Submit();
  void AppendAndMark(const Choice& choice, StepPlan& plan);

  Sequence& Return(const ScheduledSequence& part);
  void Apply(const ScheduledSequence& part, const StepResult& result, const StepPlan& plan, Sequence& sequence);
  int ApplySamples(const ScheduledSequence& part, const StepResult& result, Sequence& sequence);
  void ApplySample(int row, const RowResult& sampled, Sequence& sequence);
  void Fail(Sequence& sequence);
  void Close(StepPlan plan);
  void End(Sequence& sequence, FinishReason reason);
  void RetireIfIdle(Sequence& sequence);
  SequenceEvent& AddEvent(const Sequence& sequence, SequenceEvent::Kind kind, int64_t position, int row,
                          const RowResult& sampled);

  absl::Status CheckSequence(const Sequence& sequence) const;
  absl::Status CheckHeldBlocks(const Sequence& sequence) const;
  absl::Status CheckQueues() const;

  SchedulerConfig config_;
  std::unique_ptr<CacheBlocks> blocks_;
  std::unordered_map<int64_t, std::unique_ptr<Sequence>> sequences_;
  FairQueue waiting_;
  std::vector<Sequence*> running_;  // in RunsBefore order
  int64_t next_number_ = 0;         // of plans
  int64_t next_commit_ = 0;
  SchedulerStats stats_;

  // Storage that is reused from step to step.
  std::vector<Choice> chosen_;
  std::vector<SequenceEvent> events_;
  std::vector<StepPlan> spare_plans_;
};

}  // namespace engine
