#include "engine/engine_loop.h"

#include <algorithm>
#include <cstdio>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/sanitized.h"
#include "core/base/start_thread.h"
#include "core/runtime/admission.h"

namespace engine {
namespace {

void CheckInvariants(const Scheduler& scheduler) {
  if (!kIsSanitized) return;
  const absl::Status kept = scheduler.CheckInvariants();
  if (!kept.ok()) std::fprintf(stderr, "%s\n", std::string(kept.message()).c_str());
  ENGINE_CHECK(kept.ok());
}

}  // namespace

absl::StatusOr<std::unique_ptr<EngineLoop>> EngineLoop::Create(Parts parts, StatsBoard& stats, Sink sink) {
  std::unique_ptr<EngineLoop> loop(new EngineLoop(std::move(parts), stats, std::move(sink)));
  ASSIGN_OR_RETURN(loop->thread_, StartThread("engine", [raw = loop.get()] { raw->Loop(); }));
  return loop;
}

EngineLoop::EngineLoop(Parts parts, StatsBoard& stats, Sink sink)
    : scheduler_(std::move(parts.scheduler)),
      runner_(std::move(parts.runner)),
      rules_(std::move(parts.rules)),
      pooler_(parts.pooler),
      pace_(scheduler_.config()),
      stats_(stats),
      sink_(std::move(sink)) {
  if (parts.drafter != nullptr) {
    speculation_.emplace(std::move(parts.drafter), scheduler_.config(), pace_.decode_cost(),
                         [this](DraftSlot& slot) { rules_.Review(slot); });
  }
  stats_.EndStep(scheduler_);
}

void EngineLoop::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

// Reads only what is fixed at creation: the limits and the sizes of the pools.
absl::Status EngineLoop::CheckCanRun(const Request& request) const {
  return CheckCanRunAlone(request, scheduler_.config(), scheduler_.blocks());
}

void EngineLoop::Push(Command command) {
  {
    std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  wake_.notify_one();
}

void EngineLoop::Add(Request request, TimePoint deadline, AnswerLimits limits) {
  Push(AddCommand{std::move(request), deadline, std::move(limits)});
}

void EngineLoop::Finish(int64_t id, FinishReason reason) { Push(FinishCommand{id, reason}); }

void EngineLoop::Loop() {
  std::vector<TokenEvent> events;
  while (WaitForWork()) {
    for (Command& command : taken_) Apply(std::move(command), events);
    taken_.clear();
    FailLate(events);
    Step(events);
    CheckInvariants(scheduler_);
    stats_.EndStep(scheduler_);
    if (!events.empty()) sink_(std::exchange(events, {}));
  }
}

// False when the loop should end. Moves queued commands to taken_.
bool EngineLoop::WaitForWork() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return stop_ || !commands_.empty() || scheduler_.has_sequences(); });
  std::swap(taken_, commands_);
  return !stop_;
}

void EngineLoop::Apply(Command command, std::vector<TokenEvent>& events) {
  if (auto* finish = std::get_if<FinishCommand>(&command)) {
    if (!scheduler_.Finish(finish->id, finish->reason)) return;
    Drop(finish->id);
    events.push_back({.request = finish->id, .finish = finish->reason});
    return;
  }
  auto& [request, deadline, limits] = std::get<AddCommand>(command);
  const int64_t id = request.id;
  if (deadline != TimePoint::max()) deadlines_.emplace(deadline, id);
  if (absl::Status added = scheduler_.Add(std::move(request)); !added.ok()) {
    events.push_back({.request = id, .finish = FinishReason::kError, .error = std::move(added)});
    return;
  }
  if (limits.any()) rules_.Add(id, std::move(limits));
}

// Each step is a chance to end what is late: a request that waits does so behind others that run.
void EngineLoop::FailLate(std::vector<TokenEvent>& events) {
  const TimePoint now = deadlines_.empty() ? TimePoint() : Now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const int64_t id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    if (!scheduler_.Finish(id, FinishReason::kError)) continue;
    Drop(id);
    events.push_back({.request = id,
                      .finish = FinishReason::kError,
                      .error = absl::DeadlineExceededError("the request took longer than it may")});
  }
}

void EngineLoop::Step(std::vector<TokenEvent>& events) {
  const absl::Status drafted = speculation_ ? speculation_->Prepare(scheduler_) : absl::OkStatus();
  std::optional<StepPlan> plan = scheduler_.Next(pace_.TokensBesideDecodes(scheduler_.running()));
  if (!plan) return;
  stats_.BeginStep(scheduler_, *plan);
  const auto samples = drafted.ok() ? Run(*plan) : drafted;
  if (!samples.ok()) {
    Convert(scheduler_.Abandon(*std::move(plan)), {}, samples.status(), events);
    return;
  }
  std::vector<RowResult> rows(samples->size());
  for (size_t r = 0; r < rows.size(); ++r) {
    const SampledToken& sample = (*samples)[r];
    rows[r] = {.token = sample.id, .logprob = sample.logprob, .valid = sample.id >= 0};
  }
  const absl::Status not_finite = absl::InternalError("the model's logits are not finite");
  const std::span<const SequenceEvent> committed = scheduler_.Commit(*std::move(plan), {rows});
  stats_.CountAccepted(scheduler_, committed);
  Convert(committed, *samples, not_finite, events);
}

absl::StatusOr<std::span<const SampledToken>> EngineLoop::Run(const StepPlan& plan) {
  const TimePoint start = Now();
  rules_.FillMasks(plan, *runner_);
  auto samples = runner_->Run(plan);
  if (samples.ok()) {
    pace_.Observe(plan, SecondsSince(start));
    pooler_.Add(plan, *runner_);
  }
  return samples;
}

void EngineLoop::Convert(std::span<const SequenceEvent> from, std::span<const SampledToken> samples,
                         const absl::Status& error, std::vector<TokenEvent>& to) {
  for (const SequenceEvent& event : from) {
    if (event.kind == SequenceEvent::Kind::kFailed) {
      // Without samples the step itself has failed.
      absl::Status reason = samples.empty() ? absl::OkStatus() : rules_.ErrorOf(event.sequence_id, event.position);
      to.push_back({.request = event.sequence_id, .finish = event.reason, .error = reason.ok() ? error : reason});
    } else {
      AddToken(event, samples, to);
    }
    if (event.reason != FinishReason::kNone) Drop(event.sequence_id);
  }
  EndByGrammar(to);
}

// The scheduler may have ended them too, by a token behind the last one or for want of room.
void EngineLoop::EndByGrammar(std::vector<TokenEvent>& to) {
  for (const GrammarEnd& end : rules_.TakeEnds()) {
    const FinishReason reason = end.error.ok() ? FinishReason::kStop : FinishReason::kError;
    scheduler_.Finish(end.request, reason);
    Drop(end.request);
    to.push_back({.request = end.request, .finish = reason, .error = end.error});
  }
}

void EngineLoop::Drop(int64_t id) {
  rules_.Drop(id);
  pooler_.Drop(id);
}

void EngineLoop::AddToken(const SequenceEvent& event, std::span<const SampledToken> samples,
                          std::vector<TokenEvent>& to) {
  const bool of_prompt = event.kind == SequenceEvent::Kind::kPromptScored;
  const bool is_stop_token = event.reason == FinishReason::kStop;
  const GrammarStep step =
      of_prompt ? GrammarStep{} : rules_.Follow(event.sequence_id, event.sampled.token, is_stop_token);
  if (step.is_behind_end) return;
  auto embedding = event.reads_hidden_states && !of_prompt ? pooler_.Take(event.sequence_id) : std::vector<float>();
  if (!embedding.ok()) {
    scheduler_.Finish(event.sequence_id, FinishReason::kError);
    Drop(event.sequence_id);
    to.push_back({.request = event.sequence_id, .finish = FinishReason::kError, .error = embedding.status()});
    return;
  }
  TokenEvent& out = to.emplace_back();
  out.request = event.sequence_id;
  out.has_token = true;
  out.of_prompt = of_prompt;
  out.made = Now();
  out.admitted = event.admitted;
  out.cached_tokens = event.cached_tokens;
  out.drafted_tokens = event.drafted_tokens;
  out.accepted_tokens = event.accepted_tokens;
  out.is_incomplete = step.is_incomplete;
  out.embedding = *std::move(embedding);
  out.finish = step.is_last ? FinishReason::kNone : event.reason;
  if (event.row >= 0) {
    out.sample = samples[event.row];
  } else {
    out.sample = {.id = event.sampled.token, .logprob = event.sampled.logprob};
  }
}

}  // namespace engine
