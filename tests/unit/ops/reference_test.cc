// References against sums in double and against numbers worked out by hand: the references define the results, so nothing
// else would notice if they were wrong.
#include <cmath>
#include <limits>

#include "conformance/linear_bound.h"
#include "conformance/test_data.h"
#include "core/base/bf16.h"
#include "core/tensor/q8_row.h"
#include "core/weights/quant.h"
#include "gmock/gmock.h"
#include "ops/add_rms_norm.h"
#include "ops/embedding.h"
#include "ops/linear.h"
#include "ops/quantise.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/silu_mul.h"
#include "tests/unit/ops/reference_run.h"

namespace engine {
namespace {

using testing::ElementsAre;

constexpr float kEpsilon = std::numeric_limits<float>::epsilon();

std::vector<float> Dequantised(const CaseInput& rows, int64_t row) {
  std::vector<float> values(rows.spec.shape[1]);
  const auto row_bytes = static_cast<size_t>(rows.spec.row_bytes());
  DequantizeRow(rows.spec.dtype, {rows.data.data() + row * row_bytes, row_bytes}, values);
  return values;
}

TEST(RmsNormReference, DividesByTheRootOfTheMeanSquare) {
  // Mean square 16 / 4 = 4, so the row is halved.
  const auto out = RunReference(RmsNorm{.epsilon = 0.0f},
                                {Floats({kTokens, 4}, {2, -2, 2, -2}), Floats({4}, {1, 2, 3, 4})}, {.tokens = 1});
  EXPECT_THAT(out[0].as<float>(), ElementsAre(1, -2, 3, -4));
}

TEST(RmsNormReference, IsCloseToTheSumInDouble) {
  TestData data(1);
  const std::vector<float> x = data.Floats(3000, Values::kOutliers);
  const auto out =
      RunReference(RmsNorm{}, {Floats({kTokens, 3000}, x), Floats({3000}, std::vector(3000, 1.0f))}, {.tokens = 1});
  double sum = 0;
  for (const float value : x) sum += double{value} * value;
  const double inv = 1 / std::sqrt(sum / 3000 + 1e-5f);
  const std::vector<float> y = out[0].as<float>();
  // 12 terms per partial, 8 levels of the tree, then a handful of roundings of half an eps each.
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], x[i] * inv, 15 * kEpsilon * std::fabs(x[i] * inv));
}

TEST(AddRmsNormReference, KeepsTheSum) {
  const auto out =
      RunReference(AddRmsNorm{.epsilon = 0.0f},
                   {Floats({kTokens, 2}, {1, 2}), Floats({kTokens, 2}, {2, -5}), Floats({2}, {1, 1})}, {.tokens = 1});
  EXPECT_THAT(out[0].as<float>(), ElementsAre(3, -3));
  EXPECT_THAT(out[1].as<float>(), ElementsAre(1, -1));
}

TEST(QuantiseReference, RoundsHalvesToEvenAndSumsSixteens) {
  std::vector<float> x(32, 0.0f);
  x[0] = 127.0f;  // the scale is 1
  x[1] = 2.5f;
  x[2] = 3.5f;
  x[3] = -0.5f;
  x[16] = -126.6f;
  auto out = RunReference(Quantise{}, {Floats({kTokens, 32}, x)}, {.tokens = 1});
  const Q8Row row = Q8RowAt(out[0].data.data(), 32);
  EXPECT_EQ(row.scales[0], 1.0f);
  EXPECT_THAT(std::vector<int>(row.values, row.values + 4), ElementsAre(127, 2, 4, 0));
  EXPECT_EQ(row.values[16], -127);
  EXPECT_THAT(std::vector<int>(row.sums, row.sums + 2), ElementsAre(133, -127));
}

TEST(QuantiseReference, MarksAGroupThatIsNotFinite) {
  std::vector<float> x(64, 1.0f);
  x[40] = std::numeric_limits<float>::infinity();
  auto out = RunReference(Quantise{}, {Floats({kTokens, 64}, x)}, {.tokens = 1});
  const Q8Row row = Q8RowAt(out[0].data.data(), 64);
  EXPECT_EQ(row.values[0], 127);
  EXPECT_TRUE(std::isnan(row.scales[1]));
  EXPECT_EQ(row.values[32], 0);
  EXPECT_EQ(row.sums[2], 0);
}

TEST(QuantiseReference, DenormalGroupsStayInRange) {
  // absmax / 127 = 1.57 steps of the smallest denormal rounds to 2, and a group of 63 steps or fewer to 0.
  std::vector<float> x(64, 0.0f);
  x[0] = 200 * 0x1p-149f;
  x[32] = 63 * 0x1p-149f;
  auto out = RunReference(Quantise{}, {Floats({kTokens, 64}, x)}, {.tokens = 1});
  const Q8Row row = Q8RowAt(out[0].data.data(), 64);
  EXPECT_EQ(row.scales[0], 2 * 0x1p-149f);
  EXPECT_EQ(row.values[0], 100);
  EXPECT_EQ(row.scales[1], 0.0f);
  EXPECT_EQ(row.values[32], 0);
}

// Every format against the dot product of the dequantised numbers in double.
TEST(LinearReference, IsCloseToTheSumInDouble) {
  constexpr int64_t kRows = 3, kN = 5, kK = 2304;
  for (const DType weight :
       {DType::kF32, DType::kF16, DType::kBF16, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
        DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS, DType::kW4G32, DType::kW4G128Bf16}) {
    TestData data(4);
    const LinearInput input = InputFor(weight);
    const CaseInput w = data.Weight(weight, kN, kK);
    CaseInput x = data.Rows(InputDType(input), kTokens, kRows, kK, Values::kOutliers);
    const auto out = RunReference(Linear{.input = input}, {{x.spec, x.data}, {w.spec, w.data}}, {.tokens = kRows});
    for (int64_t r = 0; r < kRows; ++r) {
      std::vector<float> row(kK);
      if (input == LinearInput::kQ8Group) {
        const Q8Row q8 = Q8RowAt(x.data.data() + r * x.spec.row_bytes(), kK);
        for (int64_t i = 0; i < kK; ++i) row[i] = q8.scales[i / kActivationGroup] * static_cast<float>(q8.values[i]);
      } else {
        row = Dequantised(x, r);
      }
      for (int64_t j = 0; j < kN; ++j) {
        const std::vector<float> column = Dequantised(w, j);
        double dot = 0, norm_x = 0, norm_w = 0;
        for (int64_t i = 0; i < kK; ++i) {
          dot += double{row[i]} * column[i];
          norm_x += double{row[i]} * row[i];
          norm_w += double{column[i]} * column[i];
        }
        const double bound = SumBound(kK, std::sqrt(norm_x), std::sqrt(norm_w), static_cast<float>(dot));
        EXPECT_NEAR(out[0].as<float>()[r * kN + j], dot, bound) << Name(weight) << " row " << r << " column " << j;
      }
    }
  }
}

// A power of two scales every partial sum alike, wherever it stands.
TEST(LinearReference, ScalesOfRowsGiveTheBitsOfTheSameScalesInBlocks) {
  constexpr int64_t kRows = 3, kN = 5, kK = 2304;
  constexpr uint16_t kQuarter = 0x3400;  // f16
  TestData data(4);
  const CaseInput x = data.Rows(DType::kQ8Group, kTokens, kRows, kK, Values::kOutliers);
  const CaseInput integers = data.Weight(DType::kW8, kN, kK);
  CaseInput blocks = {.spec = {DType::kQ8_0, {kN, kK}}, .data = {}, .is_weight = true};
  for (size_t at = 0; at < integers.data.size(); at += 32) {
    const auto scale = std::as_bytes(std::span(&kQuarter, 1));
    blocks.data.insert(blocks.data.end(), scale.begin(), scale.end());
    blocks.data.insert(blocks.data.end(), integers.data.begin() + at, integers.data.begin() + at + 32);
  }
  const Linear linear = {.input = LinearInput::kQ8Group};
  const auto expected = RunReference(linear, {{x.spec, x.data}, {blocks.spec, blocks.data}}, {.tokens = kRows});
  const auto out =
      RunReference(linear, {{x.spec, x.data}, {integers.spec, integers.data}, Floats({kN}, std::vector(kN, 0.25f))},
                   {.tokens = kRows});
  EXPECT_EQ(out[0].data, expected[0].data);
}

TEST(LinearReference, RestartsTheSumEvery2048Elements) {
  // In one chain, 2^24 + 1 would lose every 1; the second chunk keeps its own sum of 8 until the end.
  std::vector<float> x(2056, 0.0f), w(2056, 1.0f);
  x[0] = 0x1p24f;
  for (int i = 2048; i < 2056; ++i) x[i] = 1.0f;
  const auto out = RunReference(Linear{}, {Floats({kTokens, 2056}, x), Floats({1, 2056}, w)}, {.tokens = 1});
  EXPECT_EQ(out[0].as<float>()[0], 0x1p24f + 8.0f);
}

TEST(LinearReference, AddsTheBiasLast) {
  const auto out = RunReference(Linear{.bias = true},
                                {Floats({kTokens, 2}, {1, 2}), Floats({2, 2}, {3, 4, 5, 6}), Floats({2}, {100, 200})},
                                {.tokens = 1});
  EXPECT_THAT(out[0].as<float>(), ElementsAre(111, 217));
}

TEST(LinearReference, NothingComesOutOfNoRows) {
  const auto out = RunReference(Linear{}, {Floats({kTokens, 2}, {}), Floats({1, 2}, {3, 4})}, {.tokens = 0});
  EXPECT_TRUE(out[0].data.empty());
}

TEST(SiluMulReference, IsCloseToTheFormulasInDouble) {
  TestData data(6);
  const std::vector<float> gate = data.Floats(1000, Values::kOutliers);
  const std::vector<float> up = data.Floats(1000, Values::kNormal);
  for (const Activation activation : {Activation::kSilu, Activation::kGeluTanh}) {
    const auto out = RunReference(SiluMul{.activation = activation},
                                  {Floats({kTokens, 1000}, gate), Floats({kTokens, 1000}, up)}, {.tokens = 1});
    for (size_t i = 0; i < gate.size(); ++i) {
      const double g = gate[i];
      const double silu = g / (1 + std::exp(-g));
      const double gelu = 0.5 * g * (1 + std::tanh(std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g)));
      const double want = (activation == Activation::kSilu ? silu : gelu) * up[i];
      // gelu's 1 + tanh cancels for negative numbers: relative to |g| rather than to the result.
      EXPECT_NEAR(out[0].as<float>()[i], want, 8 * kEpsilon * std::fabs(g * up[i]));
    }
  }
}

TEST(RopeReference, TurnsPairsHalfARotaryDimApart) {
  // A quarter turn of the first pair (0, 2), none of the second (1, 3); dimension 4 is kept.
  const Rope rope = {.heads = 1, .head_dim = 5, .rotary_dim = 4, .out = DType::kF32};
  const auto out = RunReference(
      rope, {Floats({kTokens, 5}, {1, 2, 3, 4, 5}), Integers({kTokens}, {1}), Floats({2, 4}, {9, 9, 9, 9, 0, 1, 1, 0})},
      {.tokens = 1});
  EXPECT_THAT(out[0].as<float>(), ElementsAre(-3, 2, 1, 4, 5));
}

TEST(EmbeddingReference, LooksUpTokensThatThePreviousStepSampled) {
  const auto out = RunReference(
      Embedding{.scale = 2.0f},
      {Integers({kTokens}, {1, -1, -2}), Floats({3, 2}, {1, 2, 3, 4, 5, 6}), Integers({kSampled}, {2, -1})},
      {.tokens = 3, .sampled = 2});
  EXPECT_THAT(out[0].as<float>(), ElementsAre(6, 8, 10, 12, 0, 0));
}

}  // namespace
}  // namespace engine
