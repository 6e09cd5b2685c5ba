#include "server/watchdog.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TimePoint At(double seconds) {
  return TimePoint() + std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(seconds));
}

EngineStats Open(int64_t requests, int64_t steps) {
  EngineStats stats;
  stats.request.open = requests;
  stats.step.steps = steps;
  return stats;
}

TEST(Watchdog, AnIdleEngineIsNeverStuck) {
  Watchdog watchdog(60);
  EXPECT_EQ(watchdog.Look(Open(0, 5), At(0)), std::nullopt);
  EXPECT_EQ(watchdog.Look(Open(0, 5), At(1e6)), std::nullopt);
  // Time counts from the last look at which there was no work.
  EXPECT_EQ(watchdog.Look(Open(1, 5), At(1e6 + 59)), std::nullopt);
}

TEST(Watchdog, StepsThatEndKeepItQuiet) {
  Watchdog watchdog(60);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(watchdog.Look(Open(3, i), At(i * 100)), std::nullopt);
}

TEST(Watchdog, SaysWhichStepHangsAndIsQuietOnceItEnds) {
  Watchdog watchdog(60);
  EngineStats stats = Open(3, 7);
  stats.step.in_step = true;
  stats.step.step_seconds = 61;
  stats.step.step_tokens = 512;
  stats.step.step_sequences = 2;
  EXPECT_EQ(watchdog.Look(stats, At(0)), std::nullopt);
  const auto reason = watchdog.Look(stats, At(61));
  ASSERT_TRUE(reason);
  EXPECT_THAT(*reason, AllOf(HasSubstr("no step has ended for 61 s while 3 requests are open"),
                             HasSubstr("step 8, of 512 tokens of 2 requests, has run for 61 s")));
  EXPECT_EQ(watchdog.Look(Open(3, 8), At(62)), std::nullopt);
}

TEST(Watchdog, SaysWhenNoStepEvenRuns) {
  Watchdog watchdog(60);
  watchdog.Look(Open(1, 4), At(0));
  EXPECT_THAT(watchdog.Look(Open(1, 4), At(60)).value_or(""), HasSubstr("none is running after step 4"));
}

}  // namespace
}  // namespace engine
