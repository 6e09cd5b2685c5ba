// The bf16 pair chain of numerics rule 3, in software: what one lane of `vdpbf16ps` does, denormals as zero.
#pragma once

#include <cstdint>
#include <limits>

#include "core/base/bf16.h"
#include "core/base/math.h"

namespace engine {

inline constexpr float kSmallestNormal = std::numeric_limits<float>::min();

// Denormals as zero, keeping the sign.
constexpr float DenormalToZero(float x) { return Abs(x) < kSmallestNormal ? CopySign(0.0f, x) : x; }

// acc + a * b for a, b widened from bf16. Inputs as DenormalToZero; a result below 2^-126 after rounding to 24 bits is
// zero. Rounding to a float cannot tell 2^-126 from what only rounds up to it, so that case is decided 2^24 times
// larger, where the rounding is to 24 bits: x86 flushes then, although fma alone gives the smallest normal number.
constexpr float FlushingFma(float a, float b, float acc) {
  a = DenormalToZero(a);
  b = DenormalToZero(b);
  acc = DenormalToZero(acc);
  const float sum = Fma(a, b, acc);
  if (Abs(sum) > kSmallestNormal) return sum;
  const bool tiny = Abs(Fma(a * 0x1p24f, b, acc * 0x1p24f)) < 0x1p-102f;
  return tiny ? CopySign(0.0f, sum) : sum;
}

// One step of the chain over elements 2j (even) and 2j + 1 (odd). The odd one comes first.
struct Bf16Pair {
  uint16_t even;
  uint16_t odd;
};
constexpr float Bf16PairStep(Bf16Pair a, Bf16Pair b, float acc) {
  acc = FlushingFma(Bf16ToF32(a.odd), Bf16ToF32(b.odd), acc);
  return FlushingFma(Bf16ToF32(a.even), Bf16ToF32(b.even), acc);
}

// The chain from +0 over `count` elements; an odd last one is paired with +0.
constexpr float Bf16Dot(const uint16_t* a, const uint16_t* b, int64_t count) {
  float acc = 0.0f;
  for (int64_t i = 0; i < count; i += 2) {
    const bool whole = i + 1 < count;
    acc = Bf16PairStep({a[i], whole ? a[i + 1] : uint16_t{0}}, {b[i], whole ? b[i + 1] : uint16_t{0}}, acc);
  }
  return acc;
}

}  // namespace engine
