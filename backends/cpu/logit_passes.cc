#include "backends/cpu/logit_passes.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "backends/cpu/isa/vector.h"
#include "backends/cpu/long_sum.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();

// x[i .. i + 16), -infinity beyond the end: it is no maximum, and its exponential is +0, which no sum shows.
F32x16 LoadPadded(const float* x, int64_t i, int64_t count) {
  if (i + 16 <= count) return Load(x + i);
  float lanes[16];
  std::fill_n(lanes, 16, kNegativeInfinity);
  if (i < count) std::copy_n(x + i, count - i, lanes);
  return Load(lanes);
}

// Maxima of bit patterns find NaNs, which comparisons of floats pass over: a magnitude above infinity's. Four of each
// hide the latency of a maximum.
float Maximum(const float* x, int64_t count) {
  F32x16 largest[4];
  I32x16 magnitude[4];
  for (int j = 0; j < 4; ++j) {
    largest[j] = F32x16(kNegativeInfinity);
    magnitude[j] = I32x16(0);
  }
  for (int64_t i = 0; i < count; i += 64) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const F32x16 v = LoadPadded(x, i + 16 * j, count);
      largest[j] = Max(v, largest[j]);
      magnitude[j] = Max(BitsOf(Abs(v)), magnitude[j]);
    }
  }
  const int32_t bits = ReduceMax(Max(Max(magnitude[0], magnitude[1]), Max(magnitude[2], magnitude[3])));
  if (bits > 0x7f800000) return std::numeric_limits<float>::quiet_NaN();
  return ReduceMax(Max(Max(largest[0], largest[1]), Max(largest[2], largest[3])));
}

int64_t Find(const float* x, int64_t count, float value) {
  const F32x16 wanted(value);
  int64_t i = 0;
  while (i + 16 <= count && !Any(Load(x + i) == wanted)) i += 16;
  while (x[i] != value) ++i;
  return i;
}

void Weigh(const float* x, int64_t count, float shift, float temperature, float* out) {
  for (int64_t i = 0; i < count; i += 16) {
    const F32x16 weight = Exp((LoadPadded(x, i, count) - F32x16(shift)) / F32x16(temperature));
    if (i + 16 <= count) {
      Store(out + i, weight);
    } else {
      Store(out + i, weight, static_cast<int>(count - i));
    }
  }
}

float SumExp(const float* x, int64_t count, float shift) {
  F32x16 partials[kLongSumVectors];
  for (int j = 0; j < kLongSumVectors; ++j) partials[j] = F32x16(0.0f);
  for (int64_t i = 0; i < count; i += kLongSumStride) {
    for (int j = 0; j < kLongSumVectors; ++j) {
      partials[j] = partials[j] + Exp(LoadPadded(x, i + 16 * j, count) - F32x16(shift));
    }
  }
  return TreeSum(partials);
}

}  // namespace

const LogitCode kLogits = {.maximum = Maximum, .find = Find, .weigh = Weigh, .sum_exp = SumExp};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
