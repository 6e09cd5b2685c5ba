#include "models/decoder_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "models/mistral.h"
#include "models/qwen.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

Json Small(const Json& changes = Json::object()) {
  Json json = {{"num_hidden_layers", 3},   {"hidden_size", 64},        {"intermediate_size", 96},
               {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"vocab_size", 100}};
  json.update(changes);
  return json;
}

absl::StatusOr<DecoderConfig> Parse(const Json& json,
                                    absl::StatusOr<DecoderConfig> (*parse)(ConfigReader&) = ParseDecoder) {
  ConfigReader reader(json, "config.json");
  return parse(reader);
}

TEST(DecoderConfig, WhatAConfigurationLeavesOutHasTheDefaultsOfTransformers) {
  const auto config = Parse(Small());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->head_dim, 16);
  EXPECT_EQ(config->max_position, 2048);
  EXPECT_EQ(config->norm_epsilon, 1e-6);
  EXPECT_FALSE(config->tied_embeddings);
  EXPECT_THAT(config->windows, ElementsAre(0, 0, 0));
  EXPECT_EQ(Parse(Small({{"num_key_value_heads", nullptr}}))->kv_heads, 4);
}

TEST(DecoderConfig, LayersSeeAWindowWhereTheirModelSaysSo) {
  const Json types = {{"layer_types", {"full_attention", "sliding_attention", "full_attention"}},
                      {"sliding_window", 8}};
  EXPECT_THAT(Parse(Small(types))->windows, ElementsAre(0, 8, 0));
  EXPECT_THAT(Parse(Small({{"sliding_window", 8}}))->windows, ElementsAre(0, 0, 0));
  EXPECT_THAT(Parse(Small({{"sliding_window", 8}}), ParseMistral)->windows, ElementsAre(8, 8, 8));
  EXPECT_THAT(Parse(Small({{"sliding_window", nullptr}}), ParseMistral)->windows, ElementsAre(0, 0, 0));
  const Json qwen = {{"sliding_window", 8}, {"use_sliding_window", true}, {"max_window_layers", 2}};
  EXPECT_THAT(Parse(Small(qwen), ParseQwen2)->windows, ElementsAre(0, 0, 8));
  EXPECT_THAT(Parse(Small({{"sliding_window", 8}}), ParseQwen2)->windows, ElementsAre(0, 0, 0));
}

// What the default of transformers' MistralConfig is.
TEST(DecoderConfig, AMistralThatDoesNotMentionAWindowHasOneOf4096) {
  EXPECT_THAT(Parse(Small(), ParseMistral)->windows, ElementsAre(4096, 4096, 4096));
}

TEST(DecoderConfig, EveryLayerOfAQwenMaySeeAWindow) {
  const Json qwen = {{"sliding_window", 8}, {"use_sliding_window", true}, {"max_window_layers", 0}};
  const auto config = Parse(Small(qwen), ParseQwen3);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->windows, ElementsAre(8, 8, 8));
}

// As Qwen's model cards have it: the context is the original one's, stretched.
TEST(DecoderConfig, YarnReachesAsFarAsItStretches) {
  Json yarn = {{"rope_type", "yarn"}, {"factor", 4}, {"original_max_position_embeddings", 32768}};
  const auto reach = [&](int stated) {
    return Parse(Small({{"max_position_embeddings", stated}, {"rope_scaling", yarn}}))->max_position;
  };
  EXPECT_EQ(reach(32768), 131072);
  EXPECT_EQ(reach(40960), 131072);
  EXPECT_EQ(reach(262144), 262144);
  yarn["factor"] = 1e300;
  EXPECT_EQ(reach(32768), std::numeric_limits<int>::max());
  yarn = {{"rope_type", "yarn"}, {"factor", 4}};
  EXPECT_EQ(reach(32768), 32768) << "the original context is not stated";
  yarn = {{"rope_type", "llama3"},
          {"factor", 8},
          {"low_freq_factor", 1},
          {"high_freq_factor", 4},
          {"original_max_position_embeddings", 8192}};
  EXPECT_EQ(reach(32768), 32768) << "only yarn's configurations keep the context as it was";
}

TEST(DecoderConfig, ContradictionsAndImpossibleSizesAreRefusedByName) {
  const struct {
    Json changes;
    const char* message;
  } cases[] = {
      {{{"hidden_size", nullptr}}, "hidden_size is missing"},
      {{{"hidden_size", 0}}, "hidden_size is 0; it must be a whole number from 1 to 2147483647"},
      {{{"hidden_size", 1.5}}, "hidden_size is 1.5"},
      {{{"hidden_size", "64"}}, "hidden_size is \"64\""},
      {{{"vocab_size", 4294967296}}, "vocab_size is 4294967296"},
      {{{"num_attention_heads", 5}}, "hidden_size 64 is not a multiple of num_attention_heads 5"},
      {{{"num_key_value_heads", 3}}, "num_attention_heads is 4 and num_key_value_heads 3"},
      {{{"head_dim", 25}}, "head_dim is 25; it must be even"},
      {{{"num_hidden_layers", 100000}}, "100000 layers of 64 x 96 with a vocabulary of 100 is no plausible model"},
      {{{"hidden_act", "relu"}}, "hidden_act is \"relu\"; silu is supported"},
      {{{"layer_types", {"full_attention"}}}, "layer_types must name each of the 3 layers"},
      {{{"layer_types", {"full_attention", "linear_attention", "full_attention"}}},
       "layer 1 is neither full_attention nor sliding_attention"},
      {{{"max_window_layers", -1}, {"use_sliding_window", true}, {"sliding_window", 8}},
       "max_window_layers is -1; it must be a whole number from 0 to 2147483647"},
      {{{"tie_word_embeddings", 1}}, "tie_word_embeddings is 1; it must be true or false"},
  };
  for (const auto& bad : cases) {
    EXPECT_THAT(Message(Parse(Small(bad.changes), ParseQwen2).status()), HasSubstr(bad.message)) << bad.changes;
  }
}

}  // namespace
}  // namespace engine
