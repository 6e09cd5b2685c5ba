// Device code: the bf16 pair chain (docs/numerics.md, rule 3), several steps at a time.
#pragma once

#include <bit>

#include "backends/gpu/port/port.h"
#include "core/base/bf16_dot.h"
#include "core/base/math.h"

namespace engine::gpu {

GPU_FN float BitsToFloat(uint32_t bits) { return std::bit_cast<float>(bits); }

// bf16 as the pair chain reads it: denormals are zeros.
GPU_FN float WidenBf16(uint32_t bits) { return BitsToFloat((bits & 0x7f80) != 0 ? bits << 16 : (bits & 0x8000) << 16); }

// The first `count` of kValues elements, in pairs. Nearly always no sum is tiny and all steps are plain: the rare others are
// taken again.
template <int kValues>
GPU_FN float PairChain(const float* a, const float* b, int count, float acc) {
  float sum = acc;
  bool plain = true;
#pragma unroll
  for (int i = 0; i < kValues; i += 2) {
    if (i >= count) continue;
    sum = Fma(a[i + 1], b[i + 1], sum);
    plain = plain && Abs(sum) > kSmallestNormal;
    sum = Fma(a[i], b[i], sum);
    plain = plain && Abs(sum) > kSmallestNormal;
  }
  if (plain) return sum;
#pragma unroll
  for (int i = 0; i < kValues; i += 2) {
    if (i >= count) continue;
    acc = FlushingFma(a[i + 1], b[i + 1], acc);
    acc = FlushingFma(a[i], b[i], acc);
  }
  return acc;
}

}  // namespace engine::gpu
