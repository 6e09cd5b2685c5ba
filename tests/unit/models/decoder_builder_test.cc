#include "core/weights/checkpoint_packed.h"
#include "core/weights/packed_file.h"
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

std::string WhyNotBuilt(const std::string& path) {
  const auto checkpoint = Checkpoint::Open(path);
  if (!checkpoint.ok()) return std::string(Message(checkpoint.status()));
  const auto catalog = WeightCatalog::Create(**checkpoint);
  const auto config = ParseModel(*catalog);
  if (!config.ok()) return std::string(Message(config.status()));
  return std::string(Message(BuildModel(*config, *catalog, {.max_model_len = 32}).status()));
}

std::string WhyNotBuilt(DType bias) {
  TempDir directory;
  return WhyNotBuilt(directory.Write("model.gguf", LlamaWithBias(bias)));
}

// The same as a packed file whose divisors of RoPE, of which there are 16, have `bytes` in the layout.
std::string WhyNotBuiltWithDivisors(size_t bytes, std::optional<PackedLayout> layout) {
  TempDir directory;
  const auto gguf = Checkpoint::Open(directory.Write("model.gguf", LlamaWithBias(DType::kF32)));
  const auto settings = CopySideFiles(**gguf);
  std::vector<EmbeddedFile> files;
  for (const CopiedFile& file : *settings) files.push_back({file.name, std::as_bytes(std::span(file.bytes))});
  std::vector<SourceTensor> tensors = (*gguf)->tensors();
  const std::vector<std::byte> divisors(bytes);
  tensors.push_back({"rope_freqs.weight", DType::kF32, {16}, divisors, std::move(layout)});
  std::string packed;
  const auto append = [&packed](std::span<const std::byte> part) {
    packed.append(reinterpret_cast<const char*>(part.data()), part.size());
    return absl::OkStatus();
  };
  EXPECT_TRUE(WritePacked(files, tensors, append).ok());
  return WhyNotBuilt(directory.Write("model.packed", packed));
}

TEST(DecoderBuilder, RefusesVectorsInBlocks) {
  EXPECT_THAT(WhyNotBuilt(DType::kF32), HasSubstr("attn_v.weight"));  // which is missing
  EXPECT_THAT(WhyNotBuilt(DType::kQ8_0), HasSubstr("blk.0.attn_q.bias is q8_0; a vector must be f32, f16 or bf16"));
}

// In a layout they may have any number of bytes, whatever their shape.
TEST(DecoderBuilder, RefusesPackedRopeDivisors) {
  EXPECT_THAT(WhyNotBuiltWithDivisors(64, std::nullopt), HasSubstr("attn_v.weight"));
  EXPECT_THAT(WhyNotBuiltWithDivisors(4096, PackedLayout{"row_major", 1}),
              HasSubstr("rope_freqs.weight must hold 16 f32 values"));
}

}  // namespace
}  // namespace engine
