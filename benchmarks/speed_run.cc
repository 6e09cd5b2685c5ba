#include "benchmarks/speed_run.h"

#include <algorithm>

namespace engine {
namespace {

SamplingParams Greedy(int max_tokens) {
  SamplingParams params{.temperature = 0, .ignore_eos = true};
  params.max_tokens = max_tokens;
  return params;
}

}  // namespace

absl::StatusOr<SpeedRun> SpeedRun::Create(BenchModel& model, const SpeedTest& test, uint64_t seed) {
  ASSIGN_OR_RETURN(Scheduler scheduler, model.NewScheduler());
  SpeedRun run(model, test, std::move(scheduler), seed);
  for (int i = 0; i < test.batch; ++i) run.depth_.push_back(run.random_.Next(test.depth, model.vocab()));
  return run;
}

// By requests of its own; those that are timed find it in the prefix cache, and so do later repetitions.
absl::Status SpeedRun::ReadDepth() {
  if (test_.depth == 0) return absl::OkStatus();
  for (const std::vector<int32_t>& prompt : depth_) {
    RETURN_IF_ERROR(scheduler_.Add({.id = next_id_++, .prompt = prompt, .params = Greedy(1)}));
  }
  StepWork untimed;
  while (scheduler_.has_sequences()) RETURN_IF_ERROR(model_->Step(scheduler_, untimed).status());
  return absl::OkStatus();
}

absl::Status SpeedRun::Begin() {
  for (const int64_t id : std::exchange(running_, {})) scheduler_.Cancel(id);
  RETURN_IF_ERROR(ReadDepth());
  const SamplingParams params = Greedy(test_.reads_prompts() ? 1 : test_.generated_tokens + 2);
  for (std::vector<int32_t> prompt : depth_) {
    const std::vector<int32_t> rest = random_.Next(std::max(test_.prompt_tokens, 1), model_->vocab());
    prompt.insert(prompt.end(), rest.begin(), rest.end());
    running_.push_back(next_id_++);
    RETURN_IF_ERROR(scheduler_.Add({.id = running_.back(), .prompt = std::move(prompt), .params = params}));
  }
  tokens_left_ = test_.batch;
  if (test_.reads_prompts()) return absl::OkStatus();
  while (!done()) RETURN_IF_ERROR(Slice(1).status());
  tokens_left_ = int64_t{test_.batch} * test_.generated_tokens;
  return absl::OkStatus();
}

absl::StatusOr<StepWork> SpeedRun::Slice(int64_t steps) {
  StepWork work;
  for (; steps > 0 && !done(); --steps) {
    ASSIGN_OR_RETURN(const int tokens, model_->Step(scheduler_, work));
    tokens_left_ -= tokens;
  }
  return work;
}

}  // namespace engine
