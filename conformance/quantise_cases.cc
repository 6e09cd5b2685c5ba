#include <limits>

#include "conformance/cases.h"
#include "conformance/test_data.h"
#include "ops/quantise.h"

namespace engine {
namespace {

NamedCase Rows(const std::string& name, DType to, int64_t columns, Values values) {
  return {name, [=] {
            TestData data(columns);
            return OpCase{.name = name,
                          .op = Convert(to),
                          .in = {data.Rows(DType::kF32, kTokens, 33, columns, values)},
                          .largest = {.tokens = 33}};
          }};
}

// NaN and infinities in some groups, huge and tiny numbers in others, halves that round to even.
NamedCase Extremes(const std::string& name, DType to) {
  return {name, [=] {
            TestData data(3);
            constexpr int kColumns = 96;
            std::vector<float> x = data.Floats(5 * kColumns, Values::kNormal);
            x[3] = std::numeric_limits<float>::quiet_NaN();
            x[kColumns + 95] = std::numeric_limits<float>::infinity();
            x[2 * kColumns + 40] = -std::numeric_limits<float>::infinity();
            for (int i = 0; i < 32; ++i) x[3 * kColumns + i] = static_cast<float>(i) + 0.5f;
            x[3 * kColumns + 31] = 127.0f;
            x[3 * kColumns + 32] = std::numeric_limits<float>::max();
            // 127 / 2 steps of the smallest denormal: the scale rounds to 0 or to one step.
            for (int i = 64; i < 96; ++i) x[3 * kColumns + i] = static_cast<float>(i) * 0x1p-149f;
            for (int i = 0; i < 32; ++i) x[4 * kColumns + i] = static_cast<float>(i) * 0x1p-149f;
            return OpCase{.name = name,
                          .op = Convert(to),
                          .in = {{.spec = {DType::kF32, {kTokens, kColumns}}, .data = BytesOf(x)}},
                          .largest = {.tokens = 5}};
          }};
}

}  // namespace

std::vector<NamedCase> QuantiseCases() {
  return {Rows("q8_k32", DType::kQ8Group, 32, Values::kNormal),
          Rows("q8_k576_outliers", DType::kQ8Group, 576, Values::kOutliers),
          Rows("q8_k2080_denormals", DType::kQ8Group, 2080, Values::kDenormals),
          Rows("q8_zeros", DType::kQ8Group, 64, Values::kZeros),
          Rows("bf16_k5", DType::kBF16, 5, Values::kNormal),
          Rows("bf16_k40_denormals", DType::kBF16, 40, Values::kDenormals),
          Rows("bf16_k576", DType::kBF16, 576, Values::kOutliers),
          Extremes("q8_extremes", DType::kQ8Group),
          Extremes("bf16_extremes", DType::kBF16)};
}

}  // namespace engine
