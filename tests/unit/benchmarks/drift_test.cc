#include "benchmarks/drift.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

const std::vector<DriftWindow> kSteady(4, {.resident_mb = 400, .share = 0.6, .memory = 50e9, .linears = 1e12});

TEST(Drift, SteadyRunsPass) { EXPECT_TRUE(CheckDrift(kSteady).ok()); }

TEST(Drift, MemoryMayGrowByTheLessOfFiveMegabytesAndOnePercent) {
  auto windows = kSteady;
  windows.back().resident_mb = 404;
  EXPECT_TRUE(CheckDrift(windows).ok());
  windows.back().resident_mb = 404.1;
  EXPECT_THAT(std::string(Message(CheckDrift(windows))), HasSubstr("from 400.0 MB to 404.1; at most 404.0"));
  for (DriftWindow& window : windows) window.resident_mb = 1000;
  windows.back().resident_mb = 1005.1;
  EXPECT_FALSE(CheckDrift(windows).ok());
}

TEST(Drift, AFallingShareFails) {
  auto windows = kSteady;
  windows[2].share = windows[3].share = 0.6 * 0.98;
  EXPECT_TRUE(CheckDrift(windows).ok());
  windows[2].share = windows[3].share = 0.6 * 0.96;
  EXPECT_THAT(std::string(Message(CheckDrift(windows))), HasSubstr("fell to 0.960 of what it was; 0.970"));
}

TEST(Drift, TheMachinesOwnChangeIsAllowed) {
  auto windows = kSteady;
  windows[2].share = windows[3].share = 0.6 * 0.96;
  windows[2].memory = windows[3].memory = 50e9 * 1.02;
  EXPECT_TRUE(CheckDrift(windows).ok());
}

TEST(Drift, AFasterRunPasses) {
  auto windows = kSteady;
  windows[2].share = windows[3].share = 0.9;
  EXPECT_TRUE(CheckDrift(windows).ok());
}

}  // namespace
}  // namespace engine
