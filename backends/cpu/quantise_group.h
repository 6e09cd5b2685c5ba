// Activations to int8, numerics rule 4, for kernels that store DType::kQ8Group rows (core/tensor/q8_row.h).
#pragma once

#include <cstdint>
#include <limits>

#include "backends/cpu/isa/vector.h"
#include "core/tensor/q8_row.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// The scale of values whose largest magnitude, as BitsOf(Abs(x)), is this: absmax / 127, or NaN. As integers, NaN is above
// infinity, so a maximum cannot lose it.
inline float Int8Scale(int32_t absmax_bits) {
  if (absmax_bits >= 0x7f800000) return std::numeric_limits<float>::quiet_NaN();
  return std::bit_cast<float>(absmax_bits) / 127.0f;
}

// x / scale to the nearest integer; 0 without a scale.
inline I32x16 ToInt8(F32x16 x, float scale) {
  if (!(scale > 0.0f)) return I32x16(0);
  return ToI32(Max(F32x16(-127.0f), Min(F32x16(127.0f), x / F32x16(scale))));
}

// Where a group of a row goes.
struct GroupPlace {
  int8_t* values;
  float* scale;
  int16_t* sums;
};
inline GroupPlace PlaceIn(const Q8Row& row, int64_t group) {
  return {row.values + group * kActivationGroup, row.scales + group, row.sums + 2 * group};
}

// Groups of 32 values, two vectors each. An absmax that is not finite makes the scale NaN and the values 0.
template <int kGroups>
void QuantiseGroups(const F32x16 (&x)[2 * kGroups], const GroupPlace (&out)[kGroups]) {
  I32x16 magnitudes[kGroups];
  for (int g = 0; g < kGroups; ++g) magnitudes[g] = Max(BitsOf(Abs(x[2 * g])), BitsOf(Abs(x[2 * g + 1])));
  int32_t absmax_bits[kGroups];
  ReduceMaxOfEach(magnitudes, absmax_bits);
  for (int g = 0; g < kGroups; ++g) {
    const float scale = Int8Scale(absmax_bits[g]);
    *out[g].scale = scale;
    StoreNarrowWithSums(out[g].values, out[g].sums, ToInt8(x[2 * g], scale), ToInt8(x[2 * g + 1], scale));
  }
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
