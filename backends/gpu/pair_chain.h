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

GPU_FN float LowBf16(uint32_t word) { return BitsToFloat(word << 16); }
GPU_FN float HighBf16(uint32_t word) { return BitsToFloat(word & 0xffff0000u); }

// One step of a plain chain; whether it is one: not where the sum is tiny or no number. With `may_begin`, products of zero
// before the first of another are plain, too.
GPU_FN bool PlainStep(float a, float b, bool may_begin, float& acc) {
  const bool stays_zero = may_begin && acc == 0.0f && (a == 0.0f || b == 0.0f);
  acc = FlushFma(a, b, acc);
  return Abs(acc) > kSmallestNormal || stays_zero;
}

// acc + the products of a, aligned to 16 bytes, and words of two bf16. False if a step is not plain: then acc is no result.
// In a plain chain a pair of zeros changes nothing. The first four products may be zeros if kMayBegin.
template <int kWords, bool kMayBegin>
GPU_FN bool PlainChain(const float* a, const uint32_t* words, float& acc) {
  static_assert(kWords % 2 == 0);
  bool plain = true;
#pragma unroll
  for (int i = 0; i < kWords; i += 2) {
    const Vec<16> four = LoadVec<16>(a + 2 * i);
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const bool may_begin = kMayBegin && i == 0;
      const bool odd = PlainStep(BitsToFloat(four.words[2 * j + 1]), HighBf16(words[i + j]), may_begin, acc);
      const bool even = PlainStep(BitsToFloat(four.words[2 * j]), LowBf16(words[i + j]), may_begin, acc);
      plain = plain && odd && even;
    }
  }
  return plain;
}

// One pair, whatever the sum.
GPU_FN float PairStep(const float* a, float even, float odd, float acc) {
  return FlushingFma(a[0], even, FlushingFma(a[1], odd, acc));
}

}  // namespace engine::gpu
