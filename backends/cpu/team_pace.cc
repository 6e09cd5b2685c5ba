#include "backends/cpu/team_pace.h"

namespace engine::cpu {

void TeamPace::Note(int workers, double seconds, double run_seconds) {
  ++steps_;
  seconds_ += seconds;
  run_seconds_ += run_seconds;
  const bool is_trial = most_seconds_ > 0;
  if (is_trial && seconds_ > most_seconds_) return EndTrial(/*faster=*/false);
  if (steps_ < kWindow) return;
  if (is_trial) EndTrial(/*faster=*/true);
  if (pause_ > 0) {
    --pause_;
    return StartWindow();
  }
  // Fewer workers must be clearly faster; that more are as fast is enough.
  constexpr double kHeldUp = 0.5, kClearlyFaster = 0.8;
  if (workers > 1 && run_seconds_ < kHeldUp * seconds_) return Try(halvings_ + 1, kClearlyFaster * seconds_);
  if (halvings_ > 0) return Try(halvings_ - 1, seconds_);
  StartWindow();
}

void TeamPace::Try(int halvings, double most_seconds) {
  before_trial_ = halvings_;
  halvings_ = halvings;
  most_seconds_ = most_seconds;
  StartWindow();
}

void TeamPace::EndTrial(bool faster) {
  most_seconds_ = 0;
  if (faster) {
    next_pause_ = kFirstPause;
    return;
  }
  halvings_ = before_trial_;
  pause_ = next_pause_;
  next_pause_ = std::min(2 * next_pause_, kMostPause);
  StartWindow();
}

void TeamPace::StartWindow() {
  steps_ = 0;
  seconds_ = run_seconds_ = 0;
}

}  // namespace engine::cpu
