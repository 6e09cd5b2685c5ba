// Activations to int8, numerics rule 4, for kernels that store DType::kQ8Group rows (core/tensor/q8_row.h).
#pragma once

#include <cstdint>
#include <limits>

#include "backends/cpu/isa/vector.h"
#include "core/tensor/q8_row.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// The scale of values with these magnitudes, BitsOf(Abs(x)) at the maximum: absmax / 127, or NaN. As integers, NaN is
// above infinity, so a maximum cannot lose it.
inline float Int8Scale(I32x16 magnitudes) {
  const int32_t absmax_bits = ReduceMax(magnitudes);
  if (absmax_bits >= 0x7f800000) return std::numeric_limits<float>::quiet_NaN();
  return std::bit_cast<float>(absmax_bits) / 127.0f;
}

// x / scale to the nearest integer; 0 without a scale.
inline I32x16 ToInt8(F32x16 x, float scale) {
  if (!(scale > 0.0f)) return I32x16(0);
  return ToI32(Max(F32x16(-127.0f), Min(F32x16(127.0f), x / F32x16(scale))));
}

// One group of 32 values into group `group` of a row. An absmax that is not finite makes the scale NaN and the values
// 0.
inline void QuantiseGroup(F32x16 first, F32x16 second, const Q8Row& row, int64_t group) {
  const float scale = Int8Scale(Max(BitsOf(Abs(first)), BitsOf(Abs(second))));
  row.scales[group] = scale;
  const I32x16 q[2] = {ToInt8(first, scale), ToInt8(second, scale)};
  for (int half = 0; half < 2; ++half) {
    StoreNarrow(row.values + group * kActivationGroup + half * 16, q[half]);
    row.sums[group * 2 + half] = static_cast<int16_t>(ReduceAdd(q[half]));
  }
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
