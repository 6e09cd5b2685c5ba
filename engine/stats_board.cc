#include "engine/stats_board.h"

#include <algorithm>

namespace engine {
namespace {

// The fullest group decides whether a request must wait.
void CountBlocks(const CacheBlocks& blocks, StepStats& step) {
  double most = -1;
  step.kv_block_tokens = kBlockTokens;
  for (int g = 0; g < blocks.num_groups(); ++g) {
    const BlockManager& group = blocks.group(g);
    const double share = static_cast<double>(group.num_owned()) / std::max(group.num_blocks(), 1);
    if (share <= most) continue;
    most = share;
    step.kv_blocks = group.num_blocks();
    step.kv_blocks_in_use = group.num_owned();
  }
}

}  // namespace

void StatsBoard::TakeCounts(const Scheduler& scheduler) {
  step_.running = scheduler.num_running();
  step_.waiting = scheduler.num_waiting();
  CountBlocks(scheduler.blocks(), step_);
  const SchedulerStats& stats = scheduler.stats();
  step_.preemptions = stats.preemptions;
  step_.prompt_tokens_queried = stats.prompt_tokens_queried;
  step_.prompt_tokens_cached = stats.prompt_tokens_cached;
  step_.drafted_tokens = stats.drafted_tokens;
  step_.accepted_tokens = stats.accepted_tokens;
}

void StatsBoard::BeginStep(const Scheduler& scheduler, const StepPlan& plan) {
  const TimePoint now = Now();
  std::lock_guard lock(step_mutex_);
  TakeCounts(scheduler);
  step_.in_step = true;
  step_start_ = now;
  step_.step_sequences = static_cast<int64_t>(plan.sequences.size());
  step_.step_tokens = static_cast<int64_t>(plan.tokens.size());
  step_.tokens_per_step.Add(static_cast<double>(plan.tokens.size()));
  for (const ScheduledSequence& part : plan.sequences) step_.drafts += part.num_drafted > 0;
}

// The first token of a sequence is drawn in any case; its draft had foretold each that follows in the same step.
void StatsBoard::CountAccepted(const Scheduler& scheduler, std::span<const SequenceEvent> of_step) {
  std::lock_guard lock(step_mutex_);
  TakeCounts(scheduler);  // the sum of these, which a reader must not find without them
  size_t position = 0;
  const SequenceEvent* before = nullptr;
  for (const SequenceEvent& event : of_step) {
    if (event.kind != SequenceEvent::Kind::kToken) continue;
    const bool goes_on = before != nullptr && before->sequence_id == event.sequence_id;
    position = goes_on ? position + 1 : 0;
    if (goes_on) ++step_.accepted_by_position[position - 1];
    before = &event;
  }
}

void StatsBoard::EndStep(const Scheduler& scheduler) {
  std::lock_guard lock(step_mutex_);
  TakeCounts(scheduler);
  if (step_.in_step) ++step_.steps;
  step_.in_step = false;
}

bool StatsBoard::Open(const std::string& tenant, const OpenLimits& limits, WhenFull when_full) {
  std::lock_guard lock(request_mutex_);
  const auto found = open_of_.find(tenant);
  const int64_t open = found == open_of_.end() ? 0 : found->second;
  const int64_t num_tenants = static_cast<int64_t>(open_of_.size()) + (open == 0);
  const bool has_place = open < limits.waiting / num_tenants && request_.open < limits.all() + limits.waiting;
  const bool is_full = request_.open >= limits.all() && !has_place;
  if (is_full && when_full != WhenFull::kTake) {
    request_.rejected += when_full == WhenFull::kRefuse;
    return false;
  }
  ++request_.open;
  ++open_of_[tenant];
  return true;
}

void StatsBoard::Close(const std::string& tenant) {
  --request_.open;
  const auto open = open_of_.find(tenant);
  if (--open->second == 0) open_of_.erase(open);
}

void StatsBoard::AbandonOpen(const std::string& tenant) {
  std::lock_guard lock(request_mutex_);
  Close(tenant);
}

void StatsBoard::Count(const GenerationUpdate& update, RequestTimes& times) {
  std::lock_guard lock(request_mutex_);
  if (!update.tokens.empty()) AddTokens(update, times);
  if (update.finish != Finish::kNone) End(update.finish, times);
}

void StatsBoard::AddTokens(const GenerationUpdate& update, RequestTimes& times) {
  if (times.tokens == 0) {
    times.admitted = update.admitted;
    times.cached_tokens = update.cached_tokens;
    times.first_token = update.made;
    request_.prompt_tokens += times.prompt_tokens;
    request_.time_to_first_token.Add(Seconds(times.submitted, update.made));
  } else {
    request_.inter_token_latency.Add(Seconds(times.last_token, update.made));
  }
  const auto tokens = static_cast<int64_t>(update.tokens.size());
  times.tokens += tokens;
  times.last_token = update.made;
  request_.generated_tokens += tokens;
}

void StatsBoard::End(Finish finish, const RequestTimes& times) {
  Close(times.tenant);
  request_.ended_by_stop += finish == Finish::kStop;
  request_.ended_by_length += finish == Finish::kLength;
  request_.cancelled += finish == Finish::kCancelled;
  request_.failed += finish == Finish::kError;
  request_.total_time.Add(SecondsSince(times.submitted));
  request_.prompt_lengths.Add(static_cast<double>(times.prompt_tokens));
  request_.generation_lengths.Add(static_cast<double>(times.tokens));
  request_.max_tokens.Add(static_cast<double>(times.max_tokens));
  if (times.tokens == 0) return;
  request_.computed_prompt_lengths.Add(static_cast<double>(times.prompt_tokens - times.cached_tokens));
  const double decode = Seconds(times.first_token, times.last_token);
  request_.queue_time.Add(Seconds(times.submitted, times.admitted));
  request_.prefill_time.Add(Seconds(times.admitted, times.first_token));
  request_.decode_time.Add(decode);
  request_.inference_time.Add(Seconds(times.admitted, times.last_token));
  if (times.tokens > 1) request_.time_per_output_token.Add(decode / static_cast<double>(times.tokens - 1));
}

EngineStats StatsBoard::Read() const {
  EngineStats stats;
  {
    std::lock_guard lock(step_mutex_);
    stats.step = step_;
    if (step_.in_step) stats.step.step_seconds = SecondsSince(step_start_);
  }
  std::lock_guard lock(request_mutex_);
  stats.request = request_;
  return stats;
}

}  // namespace engine
