#include "models/rope_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "nlohmann/json.hpp"

namespace engine {
namespace {

using testing::HasSubstr;
using Json = nlohmann::ordered_json;

absl::StatusOr<RopeConfig> Parse(const Json& json, int head_dim = 8) {
  ConfigReader reader(json, "config.json");
  return ParseRope(reader, head_dim);
}

TEST(RopeConfig, PlainFrequenciesArePowersOfTheta) {
  const auto config = Parse({{"rope_theta", 10000}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(RopeFrequencies(*config), testing::Pointwise(testing::DoubleEq(), {1.0, 0.1, 0.01, 0.001}));
}

TEST(RopeConfig, ThetaAndScalingAreFoundInBothGenerationsOfConfigurations) {
  const Json scaling = {{"rope_type", "linear"}, {"factor", 4}};
  Json version5 = {{"rope_parameters", scaling}};
  version5["rope_parameters"]["rope_theta"] = 100;
  for (const Json& json : {Json{{"rope_theta", 100}, {"rope_scaling", scaling}}, version5}) {
    const auto config = Parse(json, 4);
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_THAT(RopeFrequencies(*config), testing::Pointwise(testing::DoubleEq(), {0.25, 0.025}));
  }
}

TEST(RopeConfig, AFactorIsIgnoredWhereTheTypeIsDefault) {
  const auto config = Parse({{"rope_theta", 100}, {"rope_scaling", {{"rope_type", "default"}, {"factor", 4}}}}, 4);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(RopeFrequencies(*config), testing::Pointwise(testing::DoubleEq(), {1.0, 0.1}));
}

TEST(RopeConfig, Llama3LeavesShortWavesAndStretchesLongOnes) {
  const auto config = Parse({{"rope_theta", 1e6},
                             {"rope_scaling",
                              {{"rope_type", "llama3"},
                               {"factor", 8},
                               {"low_freq_factor", 1},
                               {"high_freq_factor", 4},
                               {"original_max_position_embeddings", 100}}}});
  ASSERT_TRUE(config.ok()) << config.status();
  const std::vector<double> f = RopeFrequencies(*config);
  EXPECT_DOUBLE_EQ(f[0], 1);  // wavelength 6.3 < 100 / 4
  EXPECT_DOUBLE_EQ(f[2], std::pow(1e6, -0.5) / 8);
  EXPECT_DOUBLE_EQ(f[3], std::pow(1e6, -0.75) / 8);
}

TEST(RopeConfig, ATableHoldsCosinesThenSinesOfEachPosition) {
  const auto config = Parse({{"rope_theta", 100}}, 4);
  std::vector<float> table(3 * 4);
  ComputeRopeTable(*config, /*first_position=*/0, table);
  for (int position = 0; position < 3; ++position) {
    for (int i = 0; i < 2; ++i) {
      const double angle = position * (i == 0 ? 1.0 : 0.1);
      EXPECT_FLOAT_EQ(table[4 * position + i], static_cast<float>(std::cos(angle)));
      EXPECT_FLOAT_EQ(table[4 * position + 2 + i], static_cast<float>(std::sin(angle)));
    }
  }
  std::vector<float> last(4);
  ComputeRopeTable(*config, /*first_position=*/2, last);
  EXPECT_TRUE(std::equal(last.begin(), last.end(), table.begin() + 8)) << "a part is the same as in the whole";
}

TEST(RopeConfig, WhatCannotBeComputedIsRefusedByName) {
  const struct {
    Json json;
    const char* message;
  } cases[] = {
      {{{"rope_theta", 1}}, "rope_theta is 1; it must exceed 1"},
      {{{"rope_theta", "many"}}, "rope_theta is \"many\"; it must be a finite number"},
      {{{"partial_rotary_factor", 0.4}}, "a share of 0.4 of the 8 dimensions of a head rotates"},
      {{{"partial_rotary_factor", 1e300}}, "a share of 1e+300"},
      {{{"partial_rotary_factor", -1}}, "a share of -1"},
      {{{"rope_scaling", {{"rope_type", "longrope"}, {"factor", 2}}}}, "rope type \"longrope\" is not supported"},
      {{{"rope_scaling", {{"rope_type", "linear"}}}}, "factor is missing"},
      {{{"rope_scaling", {{"rope_type", "linear"}, {"factor", 0}}}},
       "the rope scaling's factors contradict each other"},
      {{{"rope_scaling", {{"factor", 4}}}}, "rope scaling has a factor and no rope_type"},
      {{{"rope_scaling", 3}}, "rope_scaling is 3; it must be an object"},
  };
  for (const auto& bad : cases) EXPECT_THAT(Message(Parse(bad.json).status()), HasSubstr(bad.message));
}

}  // namespace
}  // namespace engine
