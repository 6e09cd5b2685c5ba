#include "benchmarks/statistics.h"

#include "gtest/gtest.h"

namespace engine {
namespace {

TEST(Statistics, MedianIgnoresOutliersAndOrder) {
  EXPECT_EQ(Median({3, 1000, 1}), 3);
  EXPECT_EQ(Median({4, 1, 3, 2}), 3);
  EXPECT_EQ(Median({5}), 5);
}

// numpy.percentile([1, 2, 3, 10], [0, 50, 99, 100])
TEST(Statistics, PercentilesLieBetweenValuesInProportion) {
  const std::vector<double> values = {10, 3, 1, 2};
  EXPECT_DOUBLE_EQ(Percentile(values, 0), 1);
  EXPECT_DOUBLE_EQ(Percentile(values, 50), 2.5);
  EXPECT_DOUBLE_EQ(Percentile(values, 99), 9.79);
  EXPECT_DOUBLE_EQ(Percentile(values, 100), 10);
  EXPECT_DOUBLE_EQ(Percentile({7}, 99), 7);
}

TEST(Statistics, DeviationIsThatOfOneValue) {
  EXPECT_EQ(Mean({2, 4}), 3);
  EXPECT_DOUBLE_EQ(Deviation({2, 4, 6}), 2);
  EXPECT_EQ(Deviation({7}), 0);
}

}  // namespace
}  // namespace engine
