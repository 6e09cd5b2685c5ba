#include "benchmarks/statistics.h"

#include "gtest/gtest.h"

namespace engine {
namespace {

TEST(Statistics, MedianIgnoresOutliersAndOrder) {
  EXPECT_EQ(Median({3, 1000, 1}), 3);
  EXPECT_EQ(Median({4, 1, 3, 2}), 3);
  EXPECT_EQ(Median({5}), 5);
}

TEST(Statistics, DeviationIsThatOfOneValue) {
  EXPECT_EQ(Mean({2, 4}), 3);
  EXPECT_DOUBLE_EQ(Deviation({2, 4, 6}), 2);
  EXPECT_EQ(Deviation({7}), 0);
}

}  // namespace
}  // namespace engine
