#include "backends/cpu/team_pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace engine::cpu {
namespace {

// A machine: seconds of a step by the number of workers, and the share of them that the caller runs.
struct Machine {
  std::function<double(int workers)> seconds;
  std::function<double(int workers)> share_run;
};

const Machine kQuiet = {[](int workers) { return 1.0 / workers; }, [](int) { return 1.0; }};
// Each step awaits whoever was kept from its core.
const Machine kBusy = {[](int workers) { return workers == 1 ? 2.0 : 8.0; },
                       [](int workers) { return workers == 1 ? 0.5 : 0.1; }};

class TeamPaceTest : public testing::Test {
 protected:
  // Seconds of `steps` steps that want `wanted` workers.
  double Run(const Machine& machine, int wanted, int steps) {
    double seconds = 0;
    for (int i = 0; i < steps; ++i) {
      const int workers = pace_.Workers(wanted);
      const double step = machine.seconds(workers);
      pace_.Note(workers, step, step * machine.share_run(workers));
      seconds += step;
      least_ = std::min(least_, workers);
    }
    return seconds;
  }

  TeamPace pace_;
  int least_ = 1024;
};

TEST_F(TeamPaceTest, AllWorkOnAQuietMachine) {
  Run(kQuiet, 8, 1000);
  EXPECT_EQ(least_, 8);
}

TEST_F(TeamPaceTest, OneIsAlwaysOne) {
  Run(kBusy, 1, 1000);
  EXPECT_EQ(pace_.Workers(1), 1);
}

TEST_F(TeamPaceTest, FewerWorkWhereWaitingForEachOtherTakesLonger) {
  Run(kBusy, 8, 8 + 8 * 3);
  EXPECT_EQ(pace_.Workers(8), 8) << "four are as slow as eight";
  const Machine one_core_left = {[](int workers) { return workers == 1 ? 1.0 : 4.0 * workers; }, kBusy.share_run};
  pace_ = TeamPace();
  Run(one_core_left, 8, 40);
  EXPECT_EQ(pace_.Workers(8), 1);
}

TEST_F(TeamPaceTest, ABusyMachineCostsLittleMoreThanTheBestTeamWouldTake) {
  const double seconds = Run(kBusy, 2, 2000);
  EXPECT_LT(seconds, 1.1 * 2000 * kBusy.seconds(1));
}

TEST_F(TeamPaceTest, AllWorkAgainOnceItIsQuiet) {
  Run(kBusy, 2, 2000);
  Run(kQuiet, 2, 8 * 66 + 8);
  EXPECT_EQ(pace_.Workers(2), 2);
}

TEST_F(TeamPaceTest, WhereFewerAreNoFasterTheyAreTriedEverLessOften) {
  const Machine stolen = {kQuiet.seconds, [](int) { return 0.3; }};
  const double seconds = Run(stolen, 8, 2000);
  EXPECT_EQ(pace_.Workers(8), 8);
  EXPECT_LT(seconds, 1.03 * 2000 * stolen.seconds(8));
}

}  // namespace
}  // namespace engine::cpu
