// Long reductions in vectors, numerics rule 2: the 256 partial sums are sixteen F32x16.
#pragma once

#include "backends/cpu/isa/vector.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

inline constexpr int kLongSumVectors = 16;
inline constexpr int64_t kLongSumStride = 256;

// p[i] += p[i + half] for half = 128, 64, ... 1; halves of whole vectors first.
inline float TreeSum(const F32x16 (&partials)[kLongSumVectors]) {
  F32x16 p[kLongSumVectors / 2];
#pragma unroll
  for (int i = 0; i < 8; ++i) p[i] = partials[i] + partials[i + 8];
#pragma unroll
  for (int i = 0; i < 4; ++i) p[i] = p[i] + p[i + 4];
  return TreeSum((p[0] + p[2]) + (p[1] + p[3]));
}

// Of x[0 .. count). Zeros beyond the end leave partials as they are.
inline float SumOfSquares(const float* x, int64_t count) {
  F32x16 partials[kLongSumVectors];
#pragma unroll
  for (int j = 0; j < kLongSumVectors; ++j) partials[j] = F32x16(0.0f);
  int64_t i = 0;
  for (; i + kLongSumStride <= count; i += kLongSumStride) {
#pragma unroll
    for (int j = 0; j < kLongSumVectors; ++j) {
      const F32x16 v = Load(x + i + 16 * j);
      partials[j] = Fma(v, v, partials[j]);
    }
  }
  // The vector's index must be a constant for the partials to stay in registers.
#pragma unroll
  for (int j = 0; j < kLongSumVectors; ++j) {
    const int64_t left = count - (i + 16 * j);
    if (left <= 0) continue;
    const F32x16 v = left < 16 ? Load(x + i + 16 * j, static_cast<int>(left)) : Load(x + i + 16 * j);
    partials[j] = Fma(v, v, partials[j]);
  }
  return TreeSum(partials);
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
