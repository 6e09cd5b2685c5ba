// How many workers take a step of few tokens where other programs run on the same cores. A worker that is kept from its core
// keeps all others waiting at the next barrier, of which a step has some two hundred: two workers can be many times slower
// than one.
#pragma once

#include <algorithm>

namespace engine::cpu {

class TeamPace {
 public:
  // Of the `wanted`: all, a half, a quarter, …
  int Workers(int wanted) const { return std::max(1, wanted >> halvings_); }

  // After a step on `workers`: how long it took, and how long of that the caller ran, who is one of them. Who awaits the
  // others sleeps after a moment, so a caller that hardly ran says that a core was taken.
  void Note(int workers, double seconds, double run_seconds);

 private:
  // Decisions are made over so many steps. What was tried in vain is left alone for a while, twice as long each time, so
  // that it costs little where a machine stays busy.
  static constexpr int kWindow = 8;
  static constexpr int kFirstPause = 4, kMostPause = 64;  // windows

  void Try(int halvings, double most_seconds);
  void EndTrial(bool faster);
  void StartWindow();

  int halvings_ = 0;
  int before_trial_ = 0;
  double most_seconds_ = 0;  // that the window of a trial may take; 0: none is under way
  int next_pause_ = kFirstPause;
  int pause_ = 0;

  int steps_ = 0;  // of the window so far
  double seconds_ = 0;
  double run_seconds_ = 0;
};

}  // namespace engine::cpu
