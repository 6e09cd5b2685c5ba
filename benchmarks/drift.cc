#include "benchmarks/drift.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"

namespace engine {
namespace {

constexpr double kMostGrowthMb = 5;
constexpr double kMostGrowth = 0.01;
constexpr double kMostSlowdown = 0.03;

// The mean of the second half over that of the first. A window in the middle belongs to neither.
double Change(std::span<const DriftWindow> windows, double DriftWindow::* value) {
  const size_t half = windows.size() / 2;
  double first = 0, second = 0;
  for (size_t i = 0; i < half; ++i) {
    first += windows[i].*value;
    second += windows[windows.size() - 1 - i].*value;
  }
  return second / first;
}

}  // namespace

absl::Status CheckDrift(std::span<const DriftWindow> windows) {
  ENGINE_CHECK(windows.size() >= 2);
  const double before = windows.front().resident_mb, after = windows.back().resident_mb;
  const double most = before + std::min(kMostGrowthMb, kMostGrowth * before);
  if (after > most) {
    return absl::InternalError(
        absl::StrFormat("resident memory grew from %.1f MB to %.1f; at most %.1f are allowed", before, after, most));
  }
  const double machine = std::max(std::abs(Change(windows, &DriftWindow::memory) - 1),
                                  std::abs(Change(windows, &DriftWindow::linears) - 1));
  const double share = Change(windows, &DriftWindow::share);
  const double least = 1 - kMostSlowdown - machine;
  if (share >= least) return absl::OkStatus();
  return absl::InternalError(
      absl::StrFormat("the share of the machine's speed fell to %.3f of what it was; %.3f is allowed", share, least));
}

}  // namespace engine
