#include "core/base/bf16.h"
#include "core/base/check.h"
#include "core/weights/quant.h"
#include "core/weights/quant_bits.h"
#include "core/weights/quant_blocks.h"

namespace engine {
namespace {

template <typename Block>
const Block& BlockAt(const std::byte* row, int64_t index) {
  return reinterpret_cast<const Block*>(row)[index];
}

void UnpackNibbles(const std::array<uint8_t, 16>& qs, QuantGroup& out) {
  for (int i = 0; i < 16; ++i) {
    out.q[i] = static_cast<int8_t>(qs[i] & 15);
    out.q[i + 16] = static_cast<int8_t>(qs[i] >> 4);
  }
}

void UnpackGrid(const std::array<uint8_t, 16>& qs, QuantGroup& out) {
  UnpackNibbles(qs, out);
  for (int8_t& q : out.q) q = kIq4Grid[q];
}

void AddFifthBits(const std::array<uint8_t, 4>& qh, QuantGroup& out) {
  for (int i = 0; i < 32; ++i) out.q[i] = static_cast<int8_t>(out.q[i] | (qh[i / 8] >> i % 8 & 1) << 4);
}

// Formats whose block is one group.
void SetScale(F16Field d, int zero_point, QuantGroup& out) {
  out.zero_point = zero_point;
  out.d_bits = d.bits();
  out.scale = F16ToF32(out.d_bits);
  out.scale_level = 1;
  out.offset_bits = 0;
  out.offset = 0.0f;
  out.offset_level = 0;
}

// Formats whose groups have levels; d_bits is set.
void SetScaleLevel(int level, QuantGroup& out) {
  out.scale_level = level;
  out.scale = F16ToF32(out.d_bits) * static_cast<float>(level);
}

void SetScaleAndOffset(F16Field d, F16Field m, QuantGroup& out) {
  SetScale(d, 0, out);
  out.offset_bits = m.bits();
  out.offset = F16ToF32(out.offset_bits);
  out.offset_level = 1;
}

// Q4_K and Q5_K share all but the fifth bits.
template <typename Block>
void UnpackK(const Block& block, int group, QuantGroup& out) {
  const int shift = group % 2 * 4;
  for (int i = 0; i < 32; ++i) out.q[i] = static_cast<int8_t>(block.qs[group / 2 * 32 + i] >> shift & 15);
  out.zero_point = 0;
  out.d_bits = block.d.bits();
  out.offset_bits = block.dmin.bits();
  SetScaleLevel(PackedScales::Scale(block.scales, group), out);
  out.offset_level = PackedScales::Offset(block.scales, group);
  out.offset = -(F16ToF32(out.offset_bits) * static_cast<float>(out.offset_level));
}

void UnpackQ5K(const BlockQ5_K& block, int group, QuantGroup& out) {
  UnpackK(block, group, out);
  for (int i = 0; i < 32; ++i) out.q[i] = static_cast<int8_t>(out.q[i] | (block.qh[i] >> group & 1) << 4);
}

void UnpackQ6K(const BlockQ6_K& block, int group, QuantGroup& out) {
  for (int i = 0; i < 16; ++i) {
    const Q6KPlace place(group * 16 + i);
    const int low = block.ql[place.low_byte] >> place.low_shift & 15;
    const int high = block.qh[place.high_byte] >> place.high_shift & 3;
    out.q[i] = static_cast<int8_t>(low | high << 4);
  }
  SetScale(block.d, 32, out);
  SetScaleLevel(block.scales[group], out);
}

void UnpackIq4Xs(const BlockIQ4_XS& block, int group, QuantGroup& out) {
  UnpackGrid(block.qs[group], out);
  SetScale(block.d, 0, out);
  SetScaleLevel(Iq4Levels::Level(block.scales_high, block.scales_low, group), out);
}

template <int kValues, float (*kWiden)(uint16_t)>
void UnpackW4(const std::byte* row, int64_t group, QuantGroup& out) {
  constexpr int kGroups = kValues / 32;
  const auto& block = BlockAt<BlockW4<kValues>>(row, group / kGroups);
  UnpackNibbles(block.qs[group % kGroups], out);
  SetScale(block.d, block.zero_point, out);
  out.scale = kWiden(out.d_bits);
}

}  // namespace

int GroupValues(DType dtype) {
  ENGINE_CHECK(IsBlockQuantised(dtype));
  return dtype == DType::kQ6_K ? 16 : 32;
}

bool HasOffset(DType dtype) {
  return dtype == DType::kQ4_1 || dtype == DType::kQ5_1 || dtype == DType::kQ4_K || dtype == DType::kQ5_K;
}

void UnpackGroup(DType dtype, const std::byte* row, int64_t group, QuantGroup& out) {
  switch (dtype) {
    case DType::kQ4_0: {
      const auto& block = BlockAt<BlockQ4_0>(row, group);
      UnpackNibbles(block.qs, out);
      return SetScale(block.d, 8, out);
    }
    case DType::kQ4_1: {
      const auto& block = BlockAt<BlockQ4_1>(row, group);
      UnpackNibbles(block.qs, out);
      return SetScaleAndOffset(block.d, block.m, out);
    }
    case DType::kQ5_0: {
      const auto& block = BlockAt<BlockQ5_0>(row, group);
      UnpackNibbles(block.qs, out);
      AddFifthBits(block.qh, out);
      return SetScale(block.d, 16, out);
    }
    case DType::kQ5_1: {
      const auto& block = BlockAt<BlockQ5_1>(row, group);
      UnpackNibbles(block.qs, out);
      AddFifthBits(block.qh, out);
      return SetScaleAndOffset(block.d, block.m, out);
    }
    case DType::kQ8_0: {
      const auto& block = BlockAt<BlockQ8_0>(row, group);
      out.q = block.qs;
      return SetScale(block.d, 0, out);
    }
    case DType::kW8: {
      constexpr F16Field kOne = {{0x00, 0x3c}};
      out.q = BlockAt<BlockW8>(row, group).qs;
      return SetScale(kOne, 0, out);
    }
    case DType::kQ4_K:
      return UnpackK(BlockAt<BlockQ4_K>(row, group / 8), static_cast<int>(group % 8), out);
    case DType::kQ5_K:
      return UnpackQ5K(BlockAt<BlockQ5_K>(row, group / 8), static_cast<int>(group % 8), out);
    case DType::kQ6_K:
      return UnpackQ6K(BlockAt<BlockQ6_K>(row, group / 16), static_cast<int>(group % 16), out);
    case DType::kIQ4_NL: {
      const auto& block = BlockAt<BlockIQ4_NL>(row, group);
      UnpackGrid(block.qs, out);
      return SetScale(block.d, 0, out);
    }
    case DType::kIQ4_XS:
      return UnpackIq4Xs(BlockAt<BlockIQ4_XS>(row, group / 8), static_cast<int>(group % 8), out);
    case DType::kW4G32:
      return UnpackW4<32, F16ToF32>(row, group, out);
    case DType::kW4G64:
      return UnpackW4<64, F16ToF32>(row, group, out);
    case DType::kW4G128:
      return UnpackW4<128, F16ToF32>(row, group, out);
    case DType::kW4G32Bf16:
      return UnpackW4<32, Bf16ToF32>(row, group, out);
    case DType::kW4G64Bf16:
      return UnpackW4<64, Bf16ToF32>(row, group, out);
    case DType::kW4G128Bf16:
      return UnpackW4<128, Bf16ToF32>(row, group, out);
    default:
      ENGINE_CHECK(!"UnpackGroup takes a block format");
  }
}

}  // namespace engine
