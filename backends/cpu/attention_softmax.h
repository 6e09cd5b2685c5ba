// A row of scores of one partition turned into exponentials, sixteen vectors of them (numerics rules 2, 5 and 6).
#pragma once

#include <limits>

#include "backends/cpu/attention_rows.h"
#include "backends/cpu/long_sum.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

inline constexpr float kHidden = -std::numeric_limits<float>::infinity();

// x of tokens [16 j, 16 j + 16), `hidden` where they are not visible.
inline F32x16 WhereVisible(F32x16 x, int j, Tokens visible, float hidden) {
  if (16 * j >= visible.begin && 16 * j + 16 <= visible.end) return x;
  constexpr int32_t kLanes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const I32x16 token = Load(kLanes) + I32x16(16 * j);
  const F32x16 from_begin = Select(token < I32x16(static_cast<int32_t>(visible.begin)), F32x16(hidden), x);
  return Select(token < I32x16(static_cast<int32_t>(visible.end)), from_begin, F32x16(hidden));
}

// The vectors [first, end) of a partition that hold a visible token.
struct Vectors {
  int first;
  int end;
  bool Has(int j) const { return j >= first && j < end; }
};

struct Softmax {
  // The maximum is at least `floor`.
  Softmax(const float* scores, float scale, Tokens visible, float floor = kHidden)
      : seen{static_cast<int>(visible.begin / 16), static_cast<int>((visible.end + 15) / 16)} {
    F32x16 largest(kHidden);
#pragma unroll
    for (int j = 0; j < kLongSumVectors; ++j) {
      if (!seen.Has(j)) continue;
      p[j] = WhereVisible(Load(scores + 16 * j) * F32x16(scale), j, visible, kHidden);
      largest = Max(p[j], largest);
    }
    maximum = std::max(floor, ReduceMax(largest));
    const F32x16 shift(maximum);
#pragma unroll
    for (int j = 0; j < kLongSumVectors; ++j) p[j] = seen.Has(j) ? Exp(p[j] - shift) : F32x16(0.0f);
  }

  Vectors seen;
  float maximum;
  F32x16 p[kLongSumVectors];  // exp(score - maximum), 0 where hidden
};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
