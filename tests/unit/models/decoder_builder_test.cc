#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/models.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

// The beginning of a llama, up to the first bias.
std::string LlamaWithBias(DType bias) {
  const std::vector<float> values(64 * 64);
  const auto first = [&](size_t count) { return std::span(values).first(count); };
  GgufWriter writer;
  writer.Set("general.architecture", "llama")
      .Set("llama.block_count", uint32_t{1})
      .Set("llama.embedding_length", uint32_t{64})
      .Set("llama.feed_forward_length", uint32_t{64})
      .Set("llama.attention.head_count", uint32_t{2})
      .Set("llama.context_length", uint32_t{32})
      .AddTensor("token_embd.weight", DType::kQ8_0, {64, 64}, values)
      .AddTensor("blk.0.attn_norm.weight", DType::kF32, {64}, first(64))
      .AddTensor("blk.0.attn_q.weight", DType::kQ8_0, {64, 64}, values)
      .AddTensor("blk.0.attn_q.bias", bias, {64}, first(64))
      .AddTensor("blk.0.attn_k.weight", DType::kQ8_0, {64, 64}, values);
  return writer.Bytes();
}

std::string WhyNotBuilt(DType bias) {
  TempDir directory;
  directory.Write("model.gguf", LlamaWithBias(bias));
  const auto checkpoint = Checkpoint::Open(directory.path() + "/model.gguf");
  if (!checkpoint.ok()) return std::string(Message(checkpoint.status()));
  const auto catalog = WeightCatalog::Create(**checkpoint);
  const auto config = ParseModel(*catalog);
  if (!config.ok()) return std::string(Message(config.status()));
  return std::string(Message(BuildModel(*config, *catalog, {.max_model_len = 32}).status()));
}

TEST(DecoderBuilder, RefusesVectorsInBlocks) {
  EXPECT_THAT(WhyNotBuilt(DType::kF32), HasSubstr("attn_v.weight"));  // which is missing
  EXPECT_THAT(WhyNotBuilt(DType::kQ8_0), HasSubstr("blk.0.attn_q.bias is q8_0; a vector must be f32, f16 or bf16"));
}

}  // namespace
}  // namespace engine
