#include "server/watchdog.h"

#include "absl/strings/str_format.h"

namespace engine {

std::optional<std::string> Watchdog::Look(const EngineStats& stats, TimePoint now) {
  const StepStats& step = stats.step;
  if (stats.request.open == 0 || step.steps != steps_) {
    steps_ = step.steps;
    since_ = now;
    return std::nullopt;
  }
  const double seconds = Seconds(since_, now);
  if (seconds < limit_seconds_) return std::nullopt;
  const std::string state =
      step.in_step ? absl::StrFormat("step %d, of %d tokens of %d requests, has run for %.0f s", step.steps + 1,
                                     step.step_tokens, step.step_sequences, step.step_seconds)
                   : absl::StrFormat("none is running after step %d", step.steps);
  return absl::StrFormat("no step has ended for %.0f s while %d requests are open: %s", seconds, stats.request.open,
                         state);
}

}  // namespace engine
