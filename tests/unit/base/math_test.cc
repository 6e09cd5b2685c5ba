// The polynomials against libm in double, over samples of all floats of their ranges.
#include "core/base/math.h"

#include <limits>

#include "core/base/long_sum.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();

// Distance in units of the last place of `exact` as a float.
double Ulps(float got, double exact) {
  int exponent;
  std::frexp(exact, &exponent);
  return std::fabs(got - exact) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

// The worst of both signs of every 997th float up to `last`: a prime, so that no pattern of low bits is preferred.
template <typename Ours, typename Exact>
double WorstUlps(Ours ours, Exact exact, float last, bool negative = true) {
  double worst = 0;
  for (uint32_t bits = 1; bits <= std::bit_cast<uint32_t>(last); bits += 997) {
    const float x = std::bit_cast<float>(bits);
    worst = std::max(worst, Ulps(ours(x), exact(double{x})));
    if (negative) worst = std::max(worst, Ulps(ours(-x), exact(-double{x})));
  }
  return worst;
}

TEST(Math, ExpIsWithin1Point2Ulp) {
  const auto ours = [](float x) { return Exp(x); };
  const auto exact = [](double x) { return std::exp(x); };
  EXPECT_LE(WorstUlps(ours, exact, 88.7f), 1.2);
}

TEST(Math, ExpEndsInZeroAndInfinity) {
  EXPECT_EQ(Exp(0.0f), 1.0f);
  EXPECT_EQ(Exp(-0.0f), 1.0f);
  EXPECT_EQ(Exp(-103.9f), 0x1p-149f);
  EXPECT_EQ(Exp(-104.0f), 0.0f);
  EXPECT_EQ(Exp(-kInfinity), 0.0f);
  EXPECT_EQ(Exp(88.8f), kInfinity);
  EXPECT_EQ(Exp(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(Exp(kNan)));
}

TEST(Math, SigmoidIsWithin2Point5Ulp) {
  const auto ours = [](float x) { return Sigmoid(x); };
  const auto exact = [](double x) { return 1 / (1 + std::exp(-x)); };
  EXPECT_LE(WorstUlps(ours, exact, 87.0f), 2.5);
  EXPECT_EQ(Sigmoid(-kInfinity), 0.0f);
  EXPECT_EQ(Sigmoid(kInfinity), 1.0f);
  EXPECT_TRUE(std::isnan(Sigmoid(kNan)));
}

TEST(Math, TanhIsWithin3Ulp) {
  const auto ours = [](float x) { return Tanh(x); };
  const auto exact = [](double x) { return std::tanh(x); };
  EXPECT_LE(WorstUlps(ours, exact, 30.0f), 3.0);
  EXPECT_EQ(Tanh(kInfinity), 1.0f);
  EXPECT_EQ(Tanh(-kInfinity), -1.0f);
  EXPECT_TRUE(std::isnan(Tanh(kNan)));
}

TEST(Math, LogIsWithin3Ulp) {
  const auto ours = [](float x) { return Log(x); };
  const auto exact = [](double x) { return std::log(x); };
  EXPECT_LE(WorstUlps(ours, exact, std::numeric_limits<float>::max(), false), 3.0);
  EXPECT_EQ(Log(1.0f), 0.0f);
  EXPECT_EQ(Log(0.0f), -kInfinity);
  EXPECT_EQ(Log(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(Log(-1.0f)));
}

TEST(LongSum, AddsInterleavedPartialsInATree) {
  // Partial 0 takes 2^24 and then 1, which is lost; partial 1 takes 1 and 1, which is not.
  LongSum sum;
  sum.Add(0, 0x1p24f);
  sum.Add(1, 1.0f);
  sum.Add(256, 1.0f);
  sum.Add(257, 1.0f);
  EXPECT_EQ(sum.Total(), 0x1p24f + 2.0f);
}

TEST(LongSum, NothingSumsToZero) { EXPECT_EQ(LongSum().Total(), 0.0f); }

}  // namespace
}  // namespace engine
