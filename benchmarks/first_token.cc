#include "benchmarks/first_token.h"

#include <optional>

#include "absl/synchronization/notification.h"
#include "benchmarks/random_tokens.h"
#include "benchmarks/speed_run.h"
#include "benchmarks/statistics.h"
#include "core/base/clock.h"

namespace engine {
namespace {

constexpr int kRequests = 10;
constexpr int kFirstLater = 5;  // the sixth

// From submission to the update that brings the token.
absl::StatusOr<double> SecondsToFirstToken(Engine& engine, std::vector<int32_t> prompt) {
  GenerationRequest request{.prompt_tokens = std::move(prompt)};
  request.sampling.temperature = 0;
  request.sampling.max_tokens = 1;
  request.sampling.ignore_eos = true;
  const TimePoint start = Now();
  std::optional<double> seconds;
  absl::Status error;
  absl::Notification ended;
  const auto on_update = [&](const GenerationUpdate& update) {
    if (!seconds && !update.tokens.empty()) seconds = SecondsSince(start);
    if (update.finish == Finish::kNone) return;
    error = update.error;
    ended.Notify();
  };
  RETURN_IF_ERROR(engine.Submit(request, on_update).status());
  ended.WaitForNotification();
  RETURN_IF_ERROR(error);
  return seconds ? absl::StatusOr<double>(*seconds) : absl::InternalError("a request ended without a token");
}

// Of all requests to a new engine, in order.
absl::StatusOr<std::vector<double>> RequestSeconds(const EngineOptions& options, int prompt_tokens,
                                                   RandomTokens& random) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, Engine::Create(options));
  std::vector<double> seconds;
  for (int i = 0; i < kRequests; ++i) {
    ASSIGN_OR_RETURN(const double one,
                     SecondsToFirstToken(*engine, random.Next(prompt_tokens, engine->model().vocab_size)));
    seconds.push_back(one);
  }
  return seconds;
}

absl::StatusOr<double> StepSeconds(SpeedRun& run) {
  std::vector<double> seconds;
  for (int i = 0; i < kRequests; ++i) {
    RETURN_IF_ERROR(run.Begin());
    StepWork work;
    while (!run.done()) {
      ASSIGN_OR_RETURN(const StepWork step, run.Slice(1));
      work += step;
    }
    seconds.push_back(work.seconds);
  }
  return Median(std::move(seconds));
}

}  // namespace

absl::StatusOr<FirstTokenResult> MeasureFirstToken(EngineOptions options, int prompt_tokens, int repetitions,
                                                   uint64_t seed) {
  const SpeedTest test = {.prompt_tokens = prompt_tokens};
  ASSIGN_OR_RETURN(const std::unique_ptr<BenchModel> model, BenchModel::Create(options, {test}));
  ASSIGN_OR_RETURN(SpeedRun run, SpeedRun::Create(*model, test, seed));
  options.max_num_seqs = 1;
  RandomTokens random(seed);
  std::vector<double> first, later, step, first_over_later, later_over_step;
  for (int r = 0; r < repetitions; ++r) {
    ASSIGN_OR_RETURN(const std::vector<double> requests, RequestSeconds(options, prompt_tokens, random));
    ASSIGN_OR_RETURN(const double step_seconds, StepSeconds(run));
    first.push_back(requests[0]);
    later.push_back(Median({requests.begin() + kFirstLater, requests.end()}));
    step.push_back(step_seconds);
    first_over_later.push_back(first.back() / later.back());
    later_over_step.push_back(later.back() / step.back());
  }
  return FirstTokenResult{.prompt_tokens = prompt_tokens,
                          .first = Median(first),
                          .later = Median(later),
                          .step = Median(step),
                          .first_over_later = Median(first_over_later),
                          .later_over_step = Median(later_over_step)};
}

}  // namespace engine
