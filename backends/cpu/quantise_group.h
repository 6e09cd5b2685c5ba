// Activations to int8, numerics rule 4, for kernels that store DType::kQ8Group rows (core/tensor/q8_row.h).
#pragma once

#include <cstdint>
#include <limits>

#include "backends/cpu/isa/vector.h"
#include "core/tensor/q8_row.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// One group of 32 values into group `group` of a row. An absmax that is not finite makes the scale NaN and the values
// 0.
inline void QuantiseGroup(F32x16 first, F32x16 second, const Q8Row& row, int64_t group) {
  // As integers, NaN is above infinity, so a maximum cannot lose it.
  const I32x16 magnitudes = Max(BitsOf(Abs(first)), BitsOf(Abs(second)));
  const int32_t absmax_bits = ReduceMax(magnitudes);
  const bool finite = absmax_bits < 0x7f800000;
  const float scale = finite ? std::bit_cast<float>(absmax_bits) / 127.0f : std::numeric_limits<float>::quiet_NaN();
  row.scales[group] = scale;
  I32x16 q[2] = {I32x16(0), I32x16(0)};
  if (finite && scale > 0.0f) {
    const F32x16 limit(127.0f), divisor(scale);
    q[0] = ToI32(Max(F32x16(-127.0f), Min(limit, first / divisor)));
    q[1] = ToI32(Max(F32x16(-127.0f), Min(limit, second / divisor)));
  }
  for (int half = 0; half < 2; ++half) {
    StoreNarrow(row.values + group * kActivationGroup + half * 16, q[half]);
    row.sums[group * 2 + half] = static_cast<int16_t>(ReduceAdd(q[half]));
  }
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
