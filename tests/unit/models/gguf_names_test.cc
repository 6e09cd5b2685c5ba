#include "models/gguf_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/config_reader.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

using testing::HasSubstr;
using Json = nlohmann::ordered_json;

TEST(GgufNames, TensorsOfAModelAndOfItsLayersHaveTheirGgufNames) {
  EXPECT_EQ(*GgufTensorName("model.embed_tokens.weight"), "token_embd.weight");
  EXPECT_EQ(*GgufTensorName("lm_head.weight"), "output.weight");
  EXPECT_EQ(*GgufTensorName("model.layers.17.self_attn.q_proj.bias"), "blk.17.attn_q.bias");
  EXPECT_EQ(*GgufTensorName("model.layers.0.mlp.down_proj.weight"), "blk.0.ffn_down.weight");
}

TEST(GgufNames, NamesThatNoTableKnowsAreNotFound) {
  for (const char* name : {"", ".", "weight", "model.layers.", "model.layers.1", "model.layers.1.weight",
                           "model.layers.1.mlp.gate.weight", "visual.patch_embed.weight"}) {
    EXPECT_TRUE(absl::IsNotFound(GgufTensorName(name).status())) << name;
  }
}

TEST(GgufNames, MetadataBecomesAHuggingFaceConfiguration) {
  const Json metadata = {{"general.architecture", "qwen3"},      {"qwen3.block_count", 28},
                         {"qwen3.embedding_length", 1024},       {"qwen3.attention.head_count", 16},
                         {"qwen3.attention.key_length", 128},    {"qwen3.rope.freq_base", 1e6},
                         {"qwen3.rope.dimension_count", 64},     {"qwen3.rope.scaling.type", "yarn"},
                         {"qwen3.rope.scaling.factor", 4},       {"qwen3.rope.scaling.yarn_beta_fast", 16},
                         {"qwen3.rope.scaling.attn_factor", 1.0}};
  const auto config = ConfigFromGguf(metadata, 151936, /*has_head=*/false);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ((*config)["architectures"], Json::array({"Qwen3ForCausalLM"}));
  EXPECT_EQ((*config)["num_hidden_layers"], 28);
  EXPECT_EQ((*config)["head_dim"], 128);
  EXPECT_EQ((*config)["partial_rotary_factor"], 0.5);
  EXPECT_EQ((*config)["vocab_size"], 151936);
  EXPECT_EQ((*config)["tie_word_embeddings"], true);
  EXPECT_EQ((*config)["rope_scaling"], (Json{{"rope_type", "yarn"}, {"factor", 4}, {"beta_fast", 16}}));
}

TEST(GgufNames, AnArchitectureThatIsNotOursKeepsItsNameForTheError) {
  const auto config = ConfigFromGguf({{"general.architecture", "mamba"}}, 10, true);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ((*config)["architectures"], Json::array({"mamba"}));
}

TEST(GgufNames, YarnOfGgufsOwnKindIsRefused) {
  const Json metadata = {{"general.architecture", "llama"},
                         {"llama.rope.scaling.type", "yarn"},
                         {"llama.rope.scaling.factor", 4},
                         {"llama.rope.scaling.attn_factor", 0.8}};
  EXPECT_THAT(Message(ConfigFromGguf(metadata, 10, true).status()),
              HasSubstr("llama.rope.scaling.attn_factor is 0.8; only 1 is supported"));
}

// As llama.cpp reads them.
TEST(GgufNames, ScalingWithoutATypeIsLinear) {
  const auto scaling = [](const Json& keys) {
    Json metadata = {{"general.architecture", "llama"}};
    metadata.update(keys);
    const auto config = ConfigFromGguf(metadata, 10, true);
    EXPECT_TRUE(config.ok()) << config.status();
    return config->value("rope_scaling", Json());
  };
  const Json linear = {{"rope_type", "linear"}, {"factor", 4}};
  EXPECT_EQ(scaling({{"llama.rope.scaling.factor", 4}}), linear);
  EXPECT_EQ(scaling({{"llama.rope.scale_linear", 4}}), linear);
  EXPECT_EQ(scaling({{"llama.rope.scale_linear", 2}, {"llama.rope.scaling.factor", 4}}), linear);
  EXPECT_EQ(scaling({{"llama.rope.scaling.type", "linear"}, {"llama.rope.scale_linear", 4}}), linear);
  EXPECT_EQ(scaling({{"llama.rope.scaling.type", "none"}, {"llama.rope.scaling.factor", 4}}), Json());
  EXPECT_EQ(scaling({{"llama.rope.scaling.type", "linear"}}), Json());
  for (const double none : {0, 1}) {
    EXPECT_EQ(scaling({{"llama.rope.scaling.factor", none}}), Json()) << none;
    EXPECT_EQ(scaling({{"llama.rope.scaling.type", "yarn"}, {"llama.rope.scaling.factor", none}}), Json()) << none;
  }
}

TEST(GgufNames, RefusalShowsTextThatIsNotUtf8) {
  const Json metadata = {{"general.architecture", "llama"},
                         {"llama.rope.scaling.type", "linear"},
                         {"llama.rope.scaling.attn_factor", "\xff"}};
  EXPECT_THAT(Message(ConfigFromGguf(metadata, 10, true).status()), HasSubstr("attn_factor is \"\uFFFD\""));
}

TEST(GgufNames, BrokenMetadataIsRefused) {
  EXPECT_THAT(Message(ConfigFromGguf(Json::object(), 10, true).status()), HasSubstr("general.architecture is missing"));
  EXPECT_THAT(Message(ConfigFromGguf({{"general.architecture", 3}}, 10, true).status()),
              HasSubstr("general.architecture is missing"));
  const Json longrope = {{"general.architecture", "llama"}, {"llama.rope.scaling.type", "longrope"}};
  EXPECT_THAT(Message(ConfigFromGguf(longrope, 10, true).status()), HasSubstr("longrope"));
  const Json number = {{"general.architecture", "llama"}, {"llama.rope.scaling.type", 3}};
  const auto copied = ConfigFromGguf(number, 10, true);
  ASSERT_TRUE(copied.ok()) << copied.status();
  ConfigReader scaling((*copied)["rope_scaling"], "model.gguf");
  EXPECT_EQ(scaling.TextOr("rope_type", ""), "");
  EXPECT_THAT(Message(scaling.status()), HasSubstr("rope_type is 3; it must be a string"));
}

}  // namespace
}  // namespace engine
