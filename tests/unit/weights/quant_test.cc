#include "core/weights/quant.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <tuple>
#include <vector>

#include "core/base/bf16.h"
#include "core/weights/quant_bits.h"
#include "core/weights/quant_blocks.h"

namespace engine {
namespace {

constexpr uint16_t kHalf = 0x3800, kOne = 0x3c00, kQuarter = 0x3400, kMinusTwo = 0xc000;

F16Field Field(uint16_t bits) {
  F16Field field;
  field.set_bits(bits);
  return field;
}

template <typename Block>
std::vector<float> Values(DType dtype, const Block& block) {
  std::vector<float> values(static_cast<size_t>(Info(dtype).block_values));
  DequantizeRow(dtype, std::as_bytes(std::span(&block, 1)), values);
  return values;
}

TEST(BlockFormats, Q4_0HoldsTheFirstHalfInLowNibbles) {
  BlockQ4_0 block{.d = Field(kHalf)};
  block.qs[0] = 0x1f;
  block.qs[15] = 0x80;
  const std::vector<float> values = Values(DType::kQ4_0, block);
  EXPECT_EQ(values[0], 3.5f);    // (15 - 8) / 2
  EXPECT_EQ(values[16], -3.5f);  // (1 - 8) / 2
  EXPECT_EQ(values[15], -4.0f);
  EXPECT_EQ(values[31], 0.0f);
}

TEST(BlockFormats, Q4_1AddsTheMinimum) {
  BlockQ4_1 block{.d = Field(kHalf), .m = Field(kMinusTwo)};
  block.qs[3] = 0xc5;
  const std::vector<float> values = Values(DType::kQ4_1, block);
  EXPECT_EQ(values[3], 0.5f);   // 5 / 2 - 2
  EXPECT_EQ(values[19], 4.0f);  // 12 / 2 - 2
  EXPECT_EQ(values[0], -2.0f);
}

TEST(BlockFormats, Q5_0TakesBitIOfTheHighWordForValueI) {
  BlockQ5_0 block{.d = Field(kQuarter)};
  block.qs[2] = 0x73;
  block.qh = {0x04, 0, 0, 0x80};  // values 2 and 31
  const std::vector<float> values = Values(DType::kQ5_0, block);
  EXPECT_EQ(values[2], 0.75f);    // (3 + 16 - 16) / 4
  EXPECT_EQ(values[18], -2.25f);  // (7 - 16) / 4
  EXPECT_EQ(values[31], 0.0f);    // (0 + 16 - 16) / 4
  EXPECT_EQ(values[30], -4.0f);
}

TEST(BlockFormats, Q5_1AddsTheMinimum) {
  BlockQ5_1 block{.d = Field(kOne), .m = Field(kMinusTwo)};
  block.qs[1] = 0x4e;
  block.qh = {0, 0, 0x02, 0};  // value 17
  const std::vector<float> values = Values(DType::kQ5_1, block);
  EXPECT_EQ(values[1], 12.0f);   // 14 - 2
  EXPECT_EQ(values[17], 18.0f);  // 4 + 16 - 2
}

TEST(BlockFormats, Q8_0HoldsSignedBytes) {
  BlockQ8_0 block{.d = Field(kQuarter)};
  block.qs[0] = -128;
  block.qs[31] = 127;
  const std::vector<float> values = Values(DType::kQ8_0, block);
  EXPECT_EQ(values[0], -32.0f);
  EXPECT_EQ(values[31], 31.75f);
}

// Group 0: scale 3, minimum 5. Group 5: scale 38 = 2 * 16 + 6, minimum 19 = 16 + 3, whose high bits lie in bytes 1
// and 5.
constexpr std::array<uint8_t, 12> kScales = {3, 0x80, 0, 0, 5, 0x40, 0, 0, 0, 0x36, 0, 0};

TEST(BlockFormats, Q4_KScalesEachGroupOfThirtyTwo) {
  BlockQ4_K block{.d = Field(kOne), .dmin = Field(kQuarter), .scales = kScales};
  block.qs[7] = 0x09;   // value 7 of group 0
  block.qs[66] = 0xb0;  // value 2 of group 5
  const std::vector<float> values = Values(DType::kQ4_K, block);
  EXPECT_EQ(values[7], 25.75f);            // 3 * 9 - 5 / 4
  EXPECT_EQ(values[5 * 32 + 2], 413.25f);  // 38 * 11 - 19 / 4
  EXPECT_EQ(values[5 * 32 + 3], -4.75f);
  EXPECT_EQ(values[4 * 32 + 2], 0.0f);
}

TEST(BlockFormats, Q5_KTakesBitGOfTheHighByteForGroupG) {
  BlockQ5_K block{.d = Field(kOne), .dmin = Field(kQuarter), .scales = kScales};
  block.qs[7] = 0x09;
  block.qs[66] = 0xb0;
  block.qh[7] = 1 << 0;
  block.qh[2] = 1 << 5;
  const std::vector<float> values = Values(DType::kQ5_K, block);
  EXPECT_EQ(values[7], 73.75f);             // 3 * (9 + 16) - 5 / 4
  EXPECT_EQ(values[5 * 32 + 2], 1021.25f);  // 38 * (11 + 16) - 19 / 4
  EXPECT_EQ(values[2], -1.25f);
}

TEST(BlockFormats, Q6_KScalesEachGroupOfSixteen) {
  BlockQ6_K block{.d = Field(kHalf)};
  block.ql[33] = 0x05;  // value 33: first half, second quarter, index 1
  block.qh[1] = 3 << 2;
  block.scales[2] = 7;
  block.ql[72] = 0xa0;  // value 200: second half, third quarter, index 8
  block.qh[40] = 2 << 4;
  block.scales[12] = -3;
  const std::vector<float> values = Values(DType::kQ6_K, block);
  EXPECT_EQ(values[33], 73.5f);    // 7 / 2 * (5 + 48 - 32)
  EXPECT_EQ(values[200], -15.0f);  // -3 / 2 * (10 + 32 - 32)
  EXPECT_EQ(values[32], -112.0f);
  EXPECT_EQ(values[0], 0.0f);
}

// What the 4-bit integers of the IQ4 formats stand for, as their publisher has them.
constexpr std::array<float, 16> kGrid = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

TEST(BlockFormats, IQ4_NLLooksItsValuesUp) {
  BlockIQ4_NL block{.d = Field(kHalf)};
  for (int i = 0; i < 16; ++i) block.qs[i] = static_cast<uint8_t>(i | (15 - i) << 4);
  const std::vector<float> values = Values(DType::kIQ4_NL, block);
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(values[i], kGrid[i] / 2);
    EXPECT_EQ(values[16 + i], kGrid[15 - i] / 2);
  }
}

TEST(BlockFormats, IQ4_XSScalesEachGroupOfThirtyTwo) {
  BlockIQ4_XS block{.d = Field(kOne)};
  block.scales_low = {0x30, 0, 0x0a, 0};  // low bits of groups 1 and 4
  block.scales_high = {0x02 << 2, 0x01};  // high bits of the same
  block.qs[1] = {0xf0};
  block.qs[4][15] = 0x81;
  const std::vector<float> values = Values(DType::kIQ4_XS, block);
  EXPECT_EQ(values[32], -381.0f);          // (35 - 32) * -127
  EXPECT_EQ(values[32 + 16], 339.0f);      // (35 - 32) * 113
  EXPECT_EQ(values[4 * 32 + 15], 624.0f);  // (26 - 32) * -104
  EXPECT_EQ(values[4 * 32 + 31], -6.0f);   // (26 - 32) * 1
  EXPECT_EQ(values[0], 32.0f * 127.0f);
}

TEST(BlockFormats, W4ScalesTheDistanceToTheZeroPointOfItsBlock) {
  BlockW4<64> block{.d = Field(kHalf), .zero_point = 16};
  block.qs[0][0] = 0x1f;
  block.qs[1][15] = 0x80;
  const std::vector<float> values = Values(DType::kW4G64, block);
  EXPECT_EQ(values[0], -0.5f);        // (15 - 16) / 2
  EXPECT_EQ(values[16], -7.5f);       // (1 - 16) / 2
  EXPECT_EQ(values[32 + 15], -8.0f);  // (0 - 16) / 2
  EXPECT_EQ(values[32 + 31], -4.0f);
  block.d.set_bits(F32ToBf16(3.0f));
  EXPECT_EQ(Values(DType::kW4G64Bf16, block)[32 + 31], -24.0f);
}

TEST(Iq4Levels, HoldEightIndependentLevels) {
  std::array<uint8_t, 2> high{};
  std::array<uint8_t, 4> low{};
  for (int j = 0; j < 8; ++j) Iq4Levels::Set(high, low, j, 9 * j - 32);
  for (int j = 0; j < 8; ++j) EXPECT_EQ(Iq4Levels::Level(high, low, j), 9 * j - 32);
}

TEST(BlockFormats, PlainTypesWiden) {
  const std::array<uint16_t, 2> halves = {kMinusTwo, kQuarter};
  std::array<float, 2> values;
  DequantizeRow(DType::kF16, std::as_bytes(std::span(halves)), values);
  EXPECT_EQ(values, (std::array{-2.0f, 0.25f}));
  const std::array<uint16_t, 2> bf16 = {F32ToBf16(-2.0f), F32ToBf16(0.25f)};
  DequantizeRow(DType::kBF16, std::as_bytes(std::span(bf16)), values);
  EXPECT_EQ(values, (std::array{-2.0f, 0.25f}));
}

TEST(PackedScales, HoldEightIndependentPairs) {
  std::array<uint8_t, 12> bytes{};
  for (int j = 0; j < 8; ++j) PackedScales::Set(bytes, j, 7 * j + 3, 63 - 5 * j);
  for (int j = 0; j < 8; ++j) {
    EXPECT_EQ(PackedScales::Scale(bytes, j), 7 * j + 3);
    EXPECT_EQ(PackedScales::Offset(bytes, j), 63 - 5 * j);
  }
}

class EveryBlockFormat : public ::testing::TestWithParam<DType> {
 protected:
  DType dtype() const { return GetParam(); }
  int block_values() const { return Info(dtype()).block_values; }
  int block_bytes() const { return Info(dtype()).block_bytes; }

  std::vector<std::byte> Quantized(const std::vector<float>& values) const {
    std::vector<std::byte> row(static_cast<size_t>(RowBytes(dtype(), static_cast<int64_t>(values.size()))));
    QuantizeRow(dtype(), values, row);
    return row;
  }
};

INSTANTIATE_TEST_SUITE_P(Quant, EveryBlockFormat,
                         ::testing::Values(DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                                           DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS,
                                           DType::kW4G32, DType::kW4G64, DType::kW4G128, DType::kW4G32Bf16,
                                           DType::kW4G64Bf16, DType::kW4G128Bf16),
                         [](const auto& info) { return std::string(Name(info.param)); });

// All that a packer keeps of a block.
auto RawFields(DType dtype, const std::vector<std::byte>& block) {
  std::vector<std::tuple<std::array<int8_t, 32>, int, uint16_t, uint16_t, int, int>> fields;
  for (int g = 0; g < Info(dtype).block_values / GroupValues(dtype); ++g) {
    QuantGroup group{};
    UnpackGroup(dtype, block.data(), g, group);
    fields.emplace_back(group.q, group.zero_point, group.d_bits, group.offset_bits, group.scale_level,
                        group.offset_level);
  }
  return fields;
}

TEST_P(EveryBlockFormat, LosesNoBitWhenUnpacked) {
  std::vector<std::byte> block(static_cast<size_t>(block_bytes()), std::byte{0x5a});
  const auto before = RawFields(dtype(), block);
  for (int bit = 0; bit < 8 * block_bytes(); ++bit) {
    const std::byte mask{static_cast<uint8_t>(1 << bit % 8)};
    block[static_cast<size_t>(bit / 8)] ^= mask;
    EXPECT_NE(RawFields(dtype(), block), before) << "bit " << bit;
    block[static_cast<size_t>(bit / 8)] ^= mask;
  }
}

TEST_P(EveryBlockFormat, DequantizesByTheFormulaOfItsGroups) {
  std::mt19937 random(3);
  std::vector<std::byte> row(static_cast<size_t>(2 * block_bytes()));
  for (std::byte& byte : row) byte = static_cast<std::byte>(random() & 0x3b);  // bit 2 clear: no f16 is infinite or NaN
  std::vector<float> values(static_cast<size_t>(2 * block_values()));
  DequantizeRow(dtype(), row, values);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto group_values = static_cast<size_t>(GroupValues(dtype()));
    QuantGroup group;
    UnpackGroup(dtype(), row.data(), static_cast<int64_t>(i / group_values), group);
    const int q = group.q[i % group_values];
    EXPECT_EQ(values[i], group.scale * static_cast<float>(q - group.zero_point) + group.offset) << i;
    if (!HasOffset(dtype())) {
      EXPECT_EQ(group.offset, 0.0f);
    }
  }
}

// Levels below and above 0 or the offset, so that a step is at most range / kSteps.
int Steps(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ4_K:
    case DType::kW4G32:
    case DType::kW4G64:
    case DType::kW4G128:
    case DType::kW4G32Bf16:
    case DType::kW4G64Bf16:
    case DType::kW4G128Bf16:
      return 15;
    case DType::kQ8_0:
    case DType::kIQ4_NL:
    case DType::kIQ4_XS:
      return 254;  // -127 … 127
    case DType::kQ6_K:
      return 63;
    default:
      return 31;
  }
}

// How many steps a value may be from its nearest level. Formats with an offset, and q8_0, have levels over the whole
// range: half a step. The grid of the IQ4 formats ends 14 steps short of 127, and no two of its values are 28 apart. The
// others have one level less above zero than below, and may clip a value by a whole step.
float LargestError(DType dtype) {
  if (dtype == DType::kIQ4_NL || dtype == DType::kIQ4_XS) return 14.0f;
  return HasOffset(dtype) || dtype == DType::kQ8_0 ? 0.5f : 1.0f;
}

// On top: the f16 scale may be
// 2^-11 short, which moves the end of the range by steps * 2^-11; the f16 minimum likewise by |value| * 2^-11; and
// 2^-20 |value| covers the f32 roundings (fewer than 8, of 2^-24 each).
float ErrorBound(DType dtype, float step, float absmax) {
  const float levels = LargestError(dtype) + static_cast<float>(Steps(dtype)) * 0x1p-11f;
  return levels * step + absmax * (0x1p-20f + (HasOffset(dtype) ? 0x1p-11f : 0.0f));
}

TEST_P(EveryBlockFormat, RoundTripsWithinItsStep) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0.01f, 0.05f);
  std::vector<float> values(static_cast<size_t>(16 * block_values()));
  for (float& value : values) value = normal(random);
  const std::vector<std::byte> row = Quantized(values);
  std::vector<float> restored(values.size());
  DequantizeRow(dtype(), row, restored);

  const float absmax = std::fabs(*std::ranges::max_element(values, {}, [](float v) { return std::fabs(v); }));
  for (size_t i = 0; i < values.size(); ++i) {
    QuantGroup group;
    UnpackGroup(dtype(), row.data(), static_cast<int64_t>(i) / GroupValues(dtype()), group);
    const float step = std::fabs(group.scale);
    // 2^-9: the roundings of d, dmin and the levels, each 2^-11.
    ASSERT_LE(step, 2.0f * absmax / static_cast<float>(Steps(dtype())) * (1.0f + 0x1p-9f)) << "seed 11, value " << i;
    ASSERT_LE(std::fabs(restored[i] - values[i]), ErrorBound(dtype(), step, absmax)) << "seed 11, value " << i;
  }
}

TEST_P(EveryBlockFormat, KeepsZerosAndConstants) {
  for (const float constant : {0.0f, 1.0f, -1.0f, 1e-3f}) {
    const std::vector<float> values(static_cast<size_t>(block_values()), constant);
    std::vector<float> restored(values.size());
    DequantizeRow(dtype(), Quantized(values), restored);
    const float step = 2.0f * std::fabs(constant) / static_cast<float>(Steps(dtype()));
    for (const float value : restored) {
      ASSERT_NEAR(value, constant, ErrorBound(dtype(), step, std::fabs(constant)));
    }
  }
}

TEST_P(EveryBlockFormat, SurvivesValuesThatNoScaleCanHold) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float strange : {infinity, -infinity, std::nanf(""), 3e38f, -3e38f, 1e-40f}) {
    std::vector<float> values(static_cast<size_t>(block_values()), 1.0f);
    values[5] = strange;
    std::vector<float> restored(values.size());
    DequantizeRow(dtype(), Quantized(values), restored);
  }
}

}  // namespace
}  // namespace engine
