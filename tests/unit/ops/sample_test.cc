// sample's reference on rows whose answer can be worked out.
#include "ops/sample.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "ops/philox.h"
#include "ops/sample_row.h"

namespace engine {
namespace {

using testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// How often each id is drawn over `draws` positions.
std::vector<int> Histogram(const std::vector<float>& logits, SamplingRow row, int draws) {
  std::vector<int> counts(logits.size(), 0);
  for (row.position = 0; row.position < draws; ++row.position) ++counts[SampleRow(logits, row, {}).id];
  return counts;
}

// Known answers that the authors of the generator publish with it.
TEST(Philox, GivesThePublishedNumbers) {
  EXPECT_THAT(Philox({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_THAT(Philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(Philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(Sample, GreedyTakesTheLowestOfEqualIds) {
  EXPECT_EQ(SampleRow(std::vector{1.0f, 3.0f, 3.0f, 2.0f}, {.temperature = 0.0f}, {}).id, 1);
}

TEST(Sample, DrawsInProportionToTheSoftmax) {
  // Probabilities 1/8, 1/8, 1/4, 1/2. Five standard deviations of the rarest count: 5 sqrt(8000 / 8 * 7 / 8) = 148.
  const float ln2 = std::log(2.0f);
  const std::vector<int> counts = Histogram({0.0f, 0.0f, ln2, 2 * ln2}, {.seed = 1}, 8000);
  EXPECT_NEAR(counts[0], 1000, 150);
  EXPECT_NEAR(counts[1], 1000, 150);
  EXPECT_NEAR(counts[2], 2000, 200);
  EXPECT_NEAR(counts[3], 4000, 230);
}

TEST(Sample, TemperatureSharpens) {
  // At 1/2 the odds of 1 : 2 become 1 : 4.
  const std::vector<int> counts = Histogram({0.0f, std::log(2.0f)}, {.temperature = 0.5f, .seed = 2}, 5000);
  EXPECT_NEAR(counts[0], 1000, 150);
}

TEST(Sample, DrawsDependOnSeedChoiceAndPositionOnly) {
  const std::vector<float> logits(1000, 0.0f);
  const SamplingRow row = {.seed = 5, .choice = 1, .position = 9};
  const int32_t id = SampleRow(logits, row, {}).id;
  EXPECT_EQ(SampleRow(logits, row, {}).id, id);
  SamplingRow other = row;
  other.seed = 6;
  EXPECT_NE(SampleRow(logits, other, {}).id, id);
  other = row;
  other.choice = 2;
  EXPECT_NE(SampleRow(logits, other, {}).id, id);
  other = row;
  other.position = 10;
  EXPECT_NE(SampleRow(logits, other, {}).id, id);
}

TEST(Sample, TopKKeepsTheLowestOfEqualIds) {
  const std::vector<int> counts = Histogram({1.0f, 2.0f, 1.0f, 1.0f}, {.top_k = 2, .seed = 3}, 300);
  EXPECT_GT(counts[0], 0);
  EXPECT_GT(counts[1], 0);
  EXPECT_EQ(counts[2] + counts[3], 0);
}

TEST(Sample, TopPKeepsTheShortestRunThatReachesIt) {
  // Probabilities 1/2, 1/4, 1/8, 1/8: 0.75 is reached by two, anything above needs a third.
  const float ln2 = std::log(2.0f);
  const std::vector<float> logits = {3 * ln2, 2 * ln2, ln2, ln2};
  EXPECT_EQ(Histogram(logits, {.top_p = 0.74f, .seed = 4}, 400)[2], 0);
  const std::vector<int> three = Histogram(logits, {.top_p = 0.8f, .seed = 4}, 400);
  EXPECT_GT(three[2], 0);
  EXPECT_EQ(three[3], 0);
  EXPECT_EQ(Histogram(logits, {.top_p = 0.0f, .seed = 4}, 50)[0], 50);
}

TEST(Sample, MinPIsRelativeToTheLikeliest) {
  const std::vector<float> logits = {0.0f, std::log(0.5f), std::log(0.2f)};
  const std::vector<int> counts = Histogram(logits, {.min_p = 0.3f, .seed = 5}, 300);
  EXPECT_GT(counts[1], 0);
  EXPECT_EQ(counts[2], 0);
}

TEST(Sample, BiasForbidsTokens) {
  const std::vector<TokenAdjustment> adjustments = {{.token = 1, .bias = -kInfinity}};
  EXPECT_EQ(SampleRow(std::vector{1.0f, 9.0f, 2.0f}, {.temperature = 0.0f}, adjustments).id, 2);
}

TEST(Sample, NothingLeftIsAnError) {
  const std::vector<TokenAdjustment> adjustments = {{.token = 0, .bias = -kInfinity}};
  EXPECT_EQ(SampleRow(std::vector{1.0f}, {}, adjustments).id, -1);
}

TEST(Sample, LogitsThatAreNotFiniteAreAnError) {
  EXPECT_EQ(SampleRow(std::vector{1.0f, std::nanf("")}, {.temperature = 0.0f}, {}).id, -1);
  EXPECT_EQ(SampleRow(std::vector{1.0f, kInfinity}, {.temperature = 0.0f}, {}).id, -1);
  EXPECT_EQ(SampleRow(std::vector{-kInfinity, -kInfinity}, {.temperature = 0.0f}, {}).id, -1);
}

TEST(Sample, PenaltiesFollowTheirDefinition) {
  const SamplingRow row = {.repetition_penalty = 2.0f, .presence_penalty = 0.5f, .frequency_penalty = 0.25f};
  EXPECT_EQ(AdjustLogit(3.0f, row, {.bias = 1.0f}), 4.0f);
  EXPECT_EQ(AdjustLogit(3.0f, row, {.in_context = 1}), 1.5f);
  EXPECT_EQ(AdjustLogit(-3.0f, row, {.in_context = 1}), -6.0f);
  EXPECT_EQ(AdjustLogit(3.0f, row, {.output_count = 2, .in_context = 1}), 1.5f - 0.5f - 0.5f);
}

TEST(Sample, LogprobsAreOfTheRawLogits) {
  // Probabilities 1/4, 1/4, 1/2 whatever temperature and bias make of the draw.
  const std::vector<float> logits = {0.0f, 0.0f, std::log(2.0f)};
  const std::vector<TokenAdjustment> adjustments = {{.token = 2, .bias = -kInfinity}};
  const SampledToken sampled = SampleRow(logits, {.temperature = 0.0f, .num_logprobs = 2}, adjustments);
  EXPECT_EQ(sampled.id, 0);
  EXPECT_NEAR(sampled.logprob, std::log(0.25f), 1e-6f);
  ASSERT_EQ(sampled.num_top, 2);
  EXPECT_EQ(sampled.top[0].id, 2);
  EXPECT_NEAR(sampled.top[0].logprob, std::log(0.5f), 1e-6f);
  EXPECT_EQ(sampled.top[1].id, 0);
  EXPECT_EQ(sampled.top[2].logprob, 0.0f);
}

TEST(Sample, LogprobsStopAtTheVocabulary) {
  EXPECT_EQ(SampleRow(std::vector{1.0f, 2.0f}, {.num_logprobs = 20}, {}).num_top, 2);
}

}  // namespace
}  // namespace engine
