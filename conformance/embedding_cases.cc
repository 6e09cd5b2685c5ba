#include "conformance/cases.h"
#include "conformance/test_data.h"
#include "ops/embedding.h"

namespace engine {
namespace {

constexpr int kTokenRows = 33;
constexpr int kPrevious = 4;

// 37 rows are no multiple of any panel. Every third token is one that the previous step sampled; one of those failed.
NamedCase Table(DType dtype, int64_t columns, float scale) {
  const std::string name = std::string(Name(dtype)) + "_d" + std::to_string(columns);
  return {name, [=] {
            TestData data(columns);
            constexpr int kVocab = 37;
            std::vector<int32_t> tokens = data.Integers(kTokenRows, 0, kVocab - 1);
            for (int t = 0; t < kTokenRows; t += 3) tokens[t] = -1 - t / 3 % kPrevious;
            return OpCase{.name = name,
                          .op = OpRef(SchemaOf(Embedding{}), Embedding{.scale = scale}),
                          .in = {IntegerInput(kTokens, tokens), data.Weight(dtype, kVocab, columns),
                                 IntegerInput(kSampled, {36, 0, -1, 5})},
                          .largest = {.tokens = kTokenRows, .sampled = kPrevious}};
          }};
}

}  // namespace

std::vector<NamedCase> EmbeddingCases() {
  return {Table(DType::kF32, 5, 1.0f),      Table(DType::kF16, 40, 1.0f),     Table(DType::kBF16, 576, 24.0f),
          Table(DType::kQ4_0, 96, 1.0f),    Table(DType::kQ4_1, 576, 1.0f),   Table(DType::kQ5_0, 64, 1.0f),
          Table(DType::kQ5_1, 64, 1.0f),    Table(DType::kQ8_0, 576, 3.5f),   Table(DType::kQ4_K, 512, 1.0f),
          Table(DType::kQ5_K, 256, 1.0f),   Table(DType::kQ6_K, 768, 1.0f),   Table(DType::kIQ4_NL, 96, 1.0f),
          Table(DType::kIQ4_XS, 512, 1.0f), Table(DType::kW4G128, 384, 1.0f), Table(DType::kW4G32Bf16, 96, 1.0f)};
}

}  // namespace engine
