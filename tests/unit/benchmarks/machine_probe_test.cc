#include "benchmarks/machine_probe.h"

#include <algorithm>
#include <vector>

#include "core/base/clock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

// More threads than cores: some lose theirs between any two lines.
TEST(TimedRun, LastsFromTheFirstWorkersBeginToTheLastOnesEndWhoeverLosesItsCore) {
  constexpr int kThreads = 8;
  const auto team = ThreadTeam::Create({.num_threads = kThreads}).value();
  for (int run = 0; run < 50; ++run) {
    std::vector<TimePoint> begins(kThreads), ends(kThreads);
    const double seconds = TimedRun(*team, Clock::kWall, [&](Worker& worker) {
      const TimePoint begin = begins[worker.index()] = Now();
      while (SecondsSince(begin) < 1e-3) {
      }
      ends[worker.index()] = Now();
    });
    ASSERT_GE(seconds, Seconds(*std::ranges::min_element(begins), *std::ranges::max_element(ends))) << "run " << run;
  }
}

}  // namespace
}  // namespace engine
