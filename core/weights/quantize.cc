#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/bf16.h"
#include "core/base/check.h"
#include "core/weights/quant.h"
#include "core/weights/quant_bits.h"
#include "core/weights/quant_blocks.h"

namespace engine {
namespace {

constexpr float kMaxF16 = 65504.0f;

uint16_t NarrowF16(float value) { return F32ToF16(std::clamp(value, -kMaxF16, kMaxF16)); }

// Stores `value` as f16 and returns what was stored: levels are chosen for the number a reader will see.
float StoreF16(float value, F16Field& field) {
  const uint16_t bits = NarrowF16(value);
  field.set_bits(bits);
  return F16ToF32(bits);
}

// value / step to the nearest integer in [low, high]; `low` for NaN, and `zero` where the step is 0.
int Level(float value, float step, int zero, int low, int high) {
  if (step == 0.0f) return zero;
  const float level = std::nearbyint(value / step) + static_cast<float>(zero);
  if (!(level > static_cast<float>(low))) return low;
  return level > static_cast<float>(high) ? high : static_cast<int>(level);
}

// The smallest integer in [0, max] whose multiple of `step` reaches `value`.
int LevelUp(float value, float step, int max) {
  if (step == 0.0f) return 0;
  const float level = std::ceil(value / step);
  return level < static_cast<float>(max) ? std::max(0, static_cast<int>(level)) : max;
}

struct Range {
  float low, high;
};
Range RangeOf(std::span<const float> values) {
  const auto [low, high] = std::ranges::minmax(values);
  return {low, high};
}

// The value of largest magnitude, with its sign. (A loop over `fabs(value) > fabs(extreme)` is what clang 19 gets
// wrong: from a start of 0 it drops the second fabs.)
float Extreme(std::span<const float> values) {
  const Range range = RangeOf(values);
  return -range.low > range.high ? range.low : range.high;
}

void StoreNibble(std::array<uint8_t, 16>& qs, int i, int level) {
  qs[i % 16] = static_cast<uint8_t>(qs[i % 16] | (level & 15) << i / 16 * 4);
}

template <typename Block>
void StoreLevel(Block& block, int i, int level) {
  StoreNibble(block.qs, i, level);
  if constexpr (requires { block.qh; }) {
    block.qh[i / 8] = static_cast<uint8_t>(block.qh[i / 8] | (level >> 4) << i % 8);
  }
}

// Q4_0 and Q5_0: the extreme value falls on the lowest level, -kZero, which has one step more than the highest.
template <int kZero, typename Block>
void QuantizeSymmetric(std::span<const float> values, Block& block) {
  const float d = StoreF16(Extreme(values) / -static_cast<float>(kZero), block.d);
  for (int i = 0; i < 32; ++i) StoreLevel(block, i, Level(values[i], d, kZero, 0, 2 * kZero - 1));
}

// Q4_1 and Q5_1: the levels span the values.
template <int kMaxLevel, typename Block>
void QuantizeSpan(std::span<const float> values, Block& block) {
  const Range range = RangeOf(values);
  const float m = StoreF16(range.low, block.m);
  const float d = StoreF16((range.high - m) / static_cast<float>(kMaxLevel), block.d);
  for (int i = 0; i < 32; ++i) StoreLevel(block, i, Level(values[i] - m, d, 0, 0, kMaxLevel));
}

void QuantizeQ8(std::span<const float> values, BlockQ8_0& block) {
  const float d = StoreF16(std::fabs(Extreme(values)) / 127.0f, block.d);
  for (int i = 0; i < 32; ++i) block.qs[i] = static_cast<int8_t>(Level(values[i], d, 0, -127, 127));
}

// Q4_K and Q5_K. Scales and offsets are rounded up, so that the levels of every group still span its values.
template <int kMaxLevel, typename Block>
void QuantizeK(std::span<const float> values, Block& block) {
  std::array<Range, 8> ranges;
  float max_offset = 0.0f;
  for (int g = 0; g < 8; ++g) {
    ranges[g] = RangeOf(values.subspan(32 * g, 32));
    max_offset = std::max(max_offset, -ranges[g].low);
  }
  const float dmin = StoreF16(max_offset / 63.0f, block.dmin);
  std::array<int, 8> offset_levels;
  std::array<float, 8> scales;
  for (int g = 0; g < 8; ++g) {
    offset_levels[g] = LevelUp(-ranges[g].low, dmin, 63);
    scales[g] = (ranges[g].high + dmin * static_cast<float>(offset_levels[g])) / static_cast<float>(kMaxLevel);
  }
  const float d = StoreF16(std::ranges::max(scales) / 63.0f, block.d);
  for (int g = 0; g < 8; ++g) {
    const int scale_level = LevelUp(scales[g], d, 63);
    PackedScales::Set(block.scales, g, scale_level, offset_levels[g]);
    const float scale = d * static_cast<float>(scale_level);
    const float offset = dmin * static_cast<float>(offset_levels[g]);
    for (int i = 0; i < 32; ++i) {
      const int level = Level(values[32 * g + i] + offset, scale, 0, 0, kMaxLevel);
      uint8_t& low = block.qs[g / 2 * 32 + i];
      low = static_cast<uint8_t>(low | (level & 15) << g % 2 * 4);
      if constexpr (requires { block.qh; }) block.qh[i] = static_cast<uint8_t>(block.qh[i] | (level >> 4) << g);
    }
  }
}

// Each group's extreme value falls on level -32, as in Q5_0; the magnitudes of the groups' scales are rounded up.
void QuantizeQ6K(std::span<const float> values, BlockQ6_K& block) {
  std::array<float, 16> scales;
  float max_scale = 0.0f;
  for (int g = 0; g < 16; ++g) {
    scales[g] = Extreme(values.subspan(16 * g, 16)) / -32.0f;
    max_scale = std::max(max_scale, std::fabs(scales[g]));
  }
  const float d = StoreF16(max_scale / 127.0f, block.d);
  for (int g = 0; g < 16; ++g) {
    const int magnitude = LevelUp(std::fabs(scales[g]), d, 127);
    block.scales[g] = static_cast<int8_t>(scales[g] < 0.0f ? -magnitude : magnitude);
    const float scale = d * static_cast<float>(block.scales[g]);
    for (int v = 16 * g; v < 16 * (g + 1); ++v) {
      const Q6KPlace place(v);
      const int level = Level(values[v], scale, 32, 0, 63);
      uint8_t& low = block.ql[place.low_byte];
      uint8_t& high = block.qh[place.high_byte];
      low = static_cast<uint8_t>(low | (level & 15) << place.low_shift);
      high = static_cast<uint8_t>(high | (level >> 4) << place.high_shift);
    }
  }
}

// The index of the grid's value nearest to value / scale; the first for NaN.
int GridIndex(float value, float scale) {
  const auto distance = [&](int8_t point) { return std::fabs(value - scale * static_cast<float>(point)); };
  return static_cast<int>(std::ranges::min_element(kIq4Grid, {}, distance) - kIq4Grid.begin());
}

// The extreme value falls on the grid's, which is its first.
void QuantizeIq4Nl(std::span<const float> values, BlockIQ4_NL& block) {
  const float d = StoreF16(Extreme(values) / static_cast<float>(kIq4Grid[0]), block.d);
  for (int i = 0; i < 32; ++i) StoreNibble(block.qs, i, GridIndex(values[i], d));
}

// The same for each group; the magnitudes of the groups' scales are rounded up.
void QuantizeIq4Xs(std::span<const float> values, BlockIQ4_XS& block) {
  std::array<float, 8> scales;
  float max_scale = 0.0f;
  for (int g = 0; g < 8; ++g) {
    scales[g] = Extreme(values.subspan(32 * g, 32)) / static_cast<float>(kIq4Grid[0]);
    max_scale = std::max(max_scale, std::fabs(scales[g]));
  }
  const float d = StoreF16(max_scale / 31.0f, block.d);
  for (int g = 0; g < 8; ++g) {
    const int magnitude = LevelUp(std::fabs(scales[g]), d, 31);
    const int level = scales[g] < 0.0f ? -magnitude : magnitude;
    Iq4Levels::Set(block.scales_high, block.scales_low, g, level);
    const float scale = d * static_cast<float>(level);
    for (int i = 0; i < 32; ++i) StoreNibble(block.qs[g], i, GridIndex(values[32 * g + i], scale));
  }
}

// The levels span the values and 0, which is one of them: the zero point.
template <int kValues, uint16_t (*kNarrow)(float), float (*kWiden)(uint16_t)>
void QuantizeW4(std::span<const float> values, BlockW4<kValues>& block) {
  const Range range = RangeOf(values);
  const float low = std::min(range.low, 0.0f);
  block.d.set_bits(kNarrow((std::max(range.high, 0.0f) - low) / 15.0f));
  const float d = kWiden(block.d.bits());
  block.zero_point = static_cast<uint8_t>(Level(-low, d, 0, 0, 15));
  for (int i = 0; i < kValues; ++i) {
    StoreNibble(block.qs[i / 32], i % 32, Level(values[i], d, block.zero_point, 0, 15));
  }
}

template <typename Block, typename Quantize>
void QuantizeBlocks(DType dtype, std::span<const float> values, std::span<std::byte> row, const Quantize& quantize) {
  const auto block_values = static_cast<size_t>(Info(dtype).block_values);
  for (size_t i = 0; i < values.size() / block_values; ++i) {
    Block block{};
    quantize(values.subspan(i * block_values, block_values), block);
    std::memcpy(&row[i * sizeof(Block)], &block, sizeof(Block));
  }
}

void RoundToInt8(std::span<const float> values, BlockW8& block) {
  for (size_t i = 0; i < values.size(); ++i) {
    block.qs[i] = static_cast<int8_t>(std::rint(std::clamp(values[i], -128.0f, 127.0f)));
  }
}

template <uint16_t (*kNarrow)(float)>
void NarrowRow(std::span<const float> values, std::span<std::byte> row) {
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t bits = kNarrow(values[i]);
    std::memcpy(&row[2 * i], &bits, sizeof(bits));
  }
}

}  // namespace

void QuantizeRow(DType dtype, std::span<const float> values, std::span<std::byte> row) {
  const auto num_values = static_cast<int64_t>(values.size());
  ENGINE_CHECK(num_values % Info(dtype).block_values == 0);
  ENGINE_CHECK(static_cast<int64_t>(row.size()) == RowBytes(dtype, num_values));
  switch (dtype) {
    case DType::kF32:
      if (!values.empty()) std::memcpy(row.data(), values.data(), row.size());
      return;
    case DType::kF16:
      return NarrowRow<F32ToF16>(values, row);
    case DType::kBF16:
      return NarrowRow<F32ToBf16>(values, row);
    case DType::kQ4_0:
      return QuantizeBlocks<BlockQ4_0>(dtype, values, row, QuantizeSymmetric<8, BlockQ4_0>);
    case DType::kQ5_0:
      return QuantizeBlocks<BlockQ5_0>(dtype, values, row, QuantizeSymmetric<16, BlockQ5_0>);
    case DType::kQ4_1:
      return QuantizeBlocks<BlockQ4_1>(dtype, values, row, QuantizeSpan<15, BlockQ4_1>);
    case DType::kQ5_1:
      return QuantizeBlocks<BlockQ5_1>(dtype, values, row, QuantizeSpan<31, BlockQ5_1>);
    case DType::kW8:
      return QuantizeBlocks<BlockW8>(dtype, values, row, RoundToInt8);
    case DType::kQ8_0:
      return QuantizeBlocks<BlockQ8_0>(dtype, values, row, QuantizeQ8);
    case DType::kQ4_K:
      return QuantizeBlocks<BlockQ4_K>(dtype, values, row, QuantizeK<15, BlockQ4_K>);
    case DType::kQ5_K:
      return QuantizeBlocks<BlockQ5_K>(dtype, values, row, QuantizeK<31, BlockQ5_K>);
    case DType::kQ6_K:
      return QuantizeBlocks<BlockQ6_K>(dtype, values, row, QuantizeQ6K);
    case DType::kIQ4_NL:
      return QuantizeBlocks<BlockIQ4_NL>(dtype, values, row, QuantizeIq4Nl);
    case DType::kIQ4_XS:
      return QuantizeBlocks<BlockIQ4_XS>(dtype, values, row, QuantizeIq4Xs);
    case DType::kW4G32:
      return QuantizeBlocks<BlockW4<32>>(dtype, values, row, QuantizeW4<32, NarrowF16, F16ToF32>);
    case DType::kW4G64:
      return QuantizeBlocks<BlockW4<64>>(dtype, values, row, QuantizeW4<64, NarrowF16, F16ToF32>);
    case DType::kW4G128:
      return QuantizeBlocks<BlockW4<128>>(dtype, values, row, QuantizeW4<128, NarrowF16, F16ToF32>);
    case DType::kW4G32Bf16:
      return QuantizeBlocks<BlockW4<32>>(dtype, values, row, QuantizeW4<32, F32ToBf16, Bf16ToF32>);
    case DType::kW4G64Bf16:
      return QuantizeBlocks<BlockW4<64>>(dtype, values, row, QuantizeW4<64, F32ToBf16, Bf16ToF32>);
    case DType::kW4G128Bf16:
      return QuantizeBlocks<BlockW4<128>>(dtype, values, row, QuantizeW4<128, F32ToBf16, Bf16ToF32>);
    default:
      ENGINE_CHECK(!"QuantizeRow takes f32, f16, bf16 or a block format");
  }
}

}  // namespace engine
