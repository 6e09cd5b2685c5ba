// Checkpoints that lack a tensor which their architecture or configuration asks for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/models.h"
#include "tests/models/tiny_checkpoint.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using testing::HasSubstr;

// Why the fixture without that tensor is not built; "" if it is.
std::string WhyNotBuiltWithout(const std::string& fixture, const std::string& tensor) {
  auto models = ReadTinyModels();
  EXPECT_TRUE(models.ok()) << models.status();
  for (TinyModel& model : *models) {
    if (model.name != fixture) continue;
    EXPECT_EQ(std::erase_if(model.tensors, [&](const TinyTensor& t) { return t.name == tensor; }), 1) << tensor;
    TempDir directory;
    EXPECT_TRUE(WriteTinyCheckpoint(model, DType::kF32, directory.path()).ok());
    const auto checkpoint = Checkpoint::Open(directory.path());
    const auto catalog = WeightCatalog::Create(**checkpoint);
    const auto config = ParseModel(*catalog);
    EXPECT_TRUE(config.ok()) << config.status();
    return std::string(Message(BuildModel(*config, *catalog, {.max_model_len = 32}).status()));
  }
  ADD_FAILURE() << "no fixture " << fixture;
  return "";
}

TEST(RequiredTensors, AreNamedWhereTheyAreMissing) {
  const struct {
    const char* fixture;
    const char* tensor;
  } cases[] = {
      {"qwen3_tied", "model.layers.1.self_attn.q_norm.weight"},
      {"qwen3_tied", "model.layers.0.self_attn.k_norm.weight"},
      {"qwen2_yarn", "model.layers.0.self_attn.q_proj.bias"},
      {"qwen2_tied", "model.layers.1.self_attn.k_proj.bias"},
      {"qwen2_tied", "model.layers.1.self_attn.v_proj.bias"},
      {"llama_rope_linear_biases", "model.layers.0.self_attn.v_proj.bias"},
      {"llama_rope_linear_biases", "model.layers.0.self_attn.o_proj.bias"},
      {"llama_rope_linear_biases", "model.layers.1.mlp.gate_proj.bias"},
      {"llama_rope_linear_biases", "model.layers.1.mlp.down_proj.bias"},
      {"llama_wide_heads", "lm_head.weight"},
  };
  for (const auto& [fixture, tensor] : cases) EXPECT_THAT(WhyNotBuiltWithout(fixture, tensor), HasSubstr(tensor));
}

}  // namespace
}  // namespace engine
