#include "core/runtime/scheduler.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/runtime/admission.h"
#include "core/runtime/stop_rules.h"

namespace engine {

absl::StatusOr<Scheduler> Scheduler::Create(SchedulerConfig config, std::span<const CacheGroup> groups,
                                            std::span<const int> num_blocks, const BackBlocks& back) {
  RETURN_IF_ERROR(config.Validate());
  ASSIGN_OR_RETURN(std::unique_ptr<CacheBlocks> blocks,
                   CacheBlocks::Create(groups, num_blocks, config.enable_prefix_caching, back));
  return Scheduler(std::move(config), std::move(blocks));
}

Scheduler::Scheduler(SchedulerConfig config, std::unique_ptr<CacheBlocks> blocks)
    : config_(std::move(config)), blocks_(std::move(blocks)) {
  running_.reserve(config_.max_num_seqs);
  chosen_.reserve(config_.max_num_seqs);
  events_.reserve(config_.max_sampled + config_.max_num_seqs);
  spare_plans_.resize(config_.max_steps_in_flight);
  for (StepPlan& plan : spare_plans_) {
    plan.sequences.reserve(config_.max_num_seqs);
    plan.tokens.reserve(config_.max_num_batched_tokens);
    plan.rows.reserve(config_.max_sampled);
  }
}

absl::Status Scheduler::Add(Request request) {
  if (sequences_.contains(request.id)) {
    return InvalidArgument("request id %d is in use; give each request its own", request.id);
  }
  RETURN_IF_ERROR(CheckCanRunAlone(request, config_, *blocks_));
  auto sequence = std::make_unique<Sequence>();
  sequence->id = request.id;
  sequence->seed = request.seed;
  sequence->choice = request.choice;
  sequence->priority = request.priority;
  sequence->cache_salt = std::move(request.cache_salt);
  sequence->constrained = request.constrained;
  sequence->reads_hidden_states = request.reads_hidden_states;
  sequence->computes_prompt = request.computes_prompt;
  sequence->waits_for_samples = request.constrained || request.params.has_penalties();
  sequence->max_draft = std::min(request.max_draft, Draft::kMaxTokens);
  sequence->stop_ids = StopIds(request.params, config_.eos_token_ids);
  sequence->capacity = Capacity(request, config_);
  sequence->prompt_tokens = static_cast<int64_t>(request.prompt.size());
  sequence->prompt_scored = request.params.prompt_logprobs ? 1 : sequence->prompt_tokens;  // nothing predicts the first
  sequence->params = std::move(request.params);
  sequence->tokens = std::move(request.prompt);
  waiting_.Add(*sequence, request.tenant);
  sequences_.emplace(request.id, std::move(sequence));
  return absl::OkStatus();
}

bool Scheduler::Finish(int64_t id, FinishReason reason) {
  const auto found = sequences_.find(id);
  if (found == sequences_.end() || found->second->status == SequenceStatus::kFinished) return false;
  End(*found->second, reason);
  RetireIfIdle(*found->second);
  return true;
}

const Sequence* Scheduler::Find(int64_t id) const {
  const auto found = sequences_.find(id);
  return found == sequences_.end() ? nullptr : found->second.get();
}

bool Scheduler::TakesDraft(const Sequence& sequence) {
  return sequence.max_draft > 0 && sequence.status == SequenceStatus::kRunning && sequence.steps_in_flight == 0 &&
         sequence.scheduled == sequence.known() - 1;
}

void Scheduler::SetDraft(const Sequence& sequence, const Draft& draft) {
  ENGINE_CHECK(TakesDraft(sequence) && draft.verify <= draft.size && draft.verify <= sequence.max_draft);
  sequences_.at(sequence.id)->draft = draft;
}

void Scheduler::End(Sequence& sequence, FinishReason reason) {
  if (sequence.status == SequenceStatus::kWaiting) {
    waiting_.Erase(sequence);
  } else {
    running_.erase(std::ranges::lower_bound(running_, &sequence, RunsBefore{}));
  }
  sequence.status = SequenceStatus::kFinished;
  sequence.reason = reason;
}

void Scheduler::RetireIfIdle(Sequence& sequence) {
  if (sequence.status != SequenceStatus::kFinished || sequence.steps_in_flight > 0) return;
  blocks_->Release(sequence.blocks);
  blocks_->ForgetShortage();  // a try per sequence costs nothing
  FairQueue::Release(sequence);
  sequences_.erase(sequence.id);
}

}  // namespace engine
