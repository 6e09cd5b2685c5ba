#include "backends/cpu/team_sizes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

namespace engine::cpu {
namespace {

// Seconds by team, and the same team again slower by a tenth each time.
TeamMeasure Fake(std::map<int, double> seconds, std::map<int, int>* calls = nullptr) {
  return [seconds, calls, slower = 1.0](int workers) mutable {
    if (calls != nullptr) ++(*calls)[workers];
    slower *= 1.1;
    return seconds.at(workers) * slower;
  };
}

TEST(TeamSizes, AllThreadsRunUnlessFewerAreClearlyFaster) {
  EXPECT_EQ(FastestTeam(8, Fake({{8, 1.0}, {4, 2.0}, {2, 4.0}})), 8);
  EXPECT_EQ(FastestTeam(8, [](int workers) { return workers == 4 ? 0.97 : 1.0; }), 8);
  EXPECT_EQ(FastestTeam(8, [](int workers) { return workers == 4 ? 0.9 : 1.0; }), 4);
  EXPECT_EQ(FastestTeam(8, Fake({{8, 8.0}, {4, 4.0}, {2, 2.0}})), 2);
}

TEST(TeamSizes, AreAHalfOrAQuarterButNeverNone) {
  std::map<int, int> calls;
  EXPECT_EQ(FastestTeam(3, Fake({{3, 9.0}, {1, 1.0}}, &calls)), 1);
  EXPECT_THAT(calls, testing::UnorderedElementsAre(testing::Pair(3, 3), testing::Pair(1, 6)));
}

TEST(TeamSizes, OneThreadIsNotMeasured) {
  EXPECT_EQ(FastestTeam(1, [](int) { return ADD_FAILURE(), 1.0; }), 1);
}

TEST(TeamSizes, ADisturbanceDuringOneMeasurementChangesNothing) {
  int call = 0;
  EXPECT_EQ(FastestTeam(4, [&call](int workers) { return call++ == 0 ? 100.0 : 1.0 / workers; }), 4);
}

TEST(TeamSizes, AllThreadsRunWhereTheyCouldNotBeMeasured) {
  const double disturbed = std::numeric_limits<double>::infinity();
  EXPECT_EQ(FastestTeam(4, [&](int workers) { return workers == 4 ? disturbed : 0.1; }), 4);
  EXPECT_EQ(FastestTeam(4, [&](int workers) { return workers == 4 ? 0.1 : disturbed; }), 4);
  EXPECT_EQ(FastestTeam(4, [&](int) { return disturbed; }), 4);
  EXPECT_EQ(FastestTeam(4, [&, call = 0](int workers) mutable { return call++ < 3 ? disturbed : workers; }), 1);
}

TEST(TeamSizes, StepsOfFewTokensAreDecodeSteps) {
  const TeamSizes sizes{.decode = 2, .prefill = 8};
  EXPECT_EQ(sizes.Of({.tokens = 1}), 2);
  EXPECT_EQ(sizes.Of({.tokens = 4}), 2);
  EXPECT_EQ(sizes.Of({.tokens = 5}), 8);
}

TEST(TeamSizes, BothMeasuresTakeTime) {
  const auto team = *ThreadTeam::Create({.num_threads = 3});
  const std::vector<std::byte> memory(int64_t{1} << 20);
  const std::span<const std::byte> weights[] = {memory, std::span(memory).first(100)};
  const TeamMeasure reading = ReadingMeasure(*team, weights, 100'000);
  const TeamMeasure computing = ComputingMeasure(*team, *DetectIsa());
  for (const int workers : {1, 2, 3}) {
    EXPECT_GT(reading(workers), 0);
    EXPECT_GT(computing(workers), 0);
  }
}

}  // namespace
}  // namespace engine::cpu
