#include "core/runtime/step_cost.h"

#include <algorithm>

namespace engine {
namespace {

// What a row more costs beside the step's first row, where that is not known: weights are read once for all rows, so it
// is little. Better too low than too high: a step that disappoints is seen, one that is never tried is not.
constexpr double kRowShare = 0.04;

// Contexts grow and neighbours come and go, so a figure is forgotten after this many steps.
constexpr int64_t kMemory = 512;

}  // namespace

bool StepCost::is_fresh(const Point& point) const { return point.seconds > 0 && num_steps_ - point.step < kMemory; }

// A moving average near the median: a step during which the machine did something else counts as little more than what
// was expected.
void StepCost::Observe(int rows, double seconds) {
  constexpr double kWeight = 0.25, kMost = 1.25;
  if (rows >= static_cast<int>(points_.size()) || seconds <= 0) return;
  Point& point = points_[rows];
  const double expected = num_steps_ > 0 ? Of(rows) : seconds;
  const double seen = std::clamp(seconds, expected / kMost, expected * kMost);
  point.seconds = is_fresh(point) ? point.seconds + kWeight * (seen - point.seconds) : seen;
  point.step = ++num_steps_;
}

// Between the nearest two figures on a line, beyond them by the share above.
double StepCost::Of(int rows) const {
  const int size = static_cast<int>(points_.size());
  rows = std::min(rows, size - 1);
  int below = rows, above = rows;
  while (below > 0 && !is_fresh(points_[below])) --below;
  while (above < size && !is_fresh(points_[above])) ++above;
  if (below == rows) return points_[rows].seconds;
  const auto share = [](int n) { return 1 + kRowShare * (n - 1); };
  if (below == 0 && above == size) return share(rows);
  if (below == 0) return points_[above].seconds * share(rows) / share(above);
  if (above == size) return points_[below].seconds * share(rows) / share(below);
  const double way = static_cast<double>(rows - below) / (above - below);
  return points_[below].seconds + way * (points_[above].seconds - points_[below].seconds);
}

}  // namespace engine
