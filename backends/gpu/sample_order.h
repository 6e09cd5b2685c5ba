// Device code: the order of a row's tokens, by falling logit and rising id, and what they weigh.
#pragma once

#include <bit>
#include <limits>

#include "backends/gpu/port/collectives.h"
#include "backends/gpu/sample.h"
#include "core/base/math.h"

namespace engine::gpu {

inline constexpr uint64_t kLastKey = ~uint64_t{0};

// A token's place in the order: smaller is likelier. Equal logits, zeros of both signs among them, differ in the id alone.
GPU_FN uint64_t KeyOf(float logit, int id) {
  const uint32_t bits = logit == 0.0f ? 0 : std::bit_cast<uint32_t>(logit);
  const uint32_t rising = (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
  return uint64_t{~rising} << 32 | static_cast<uint32_t>(id);
}
GPU_FN int IdOf(uint64_t key) { return static_cast<int>(key & 0xffffffffu); }

// The smallest of all threads' keys, in every thread.
GPU_FN uint64_t SmallestKey(uint64_t key, SampleShared& shared) {
  for (int mask = 16; mask > 0; mask /= 2) {
    const uint64_t other = ShflXor(key, mask);
    key = other < key ? other : key;
  }
  SyncBlock();  // everyone has read the last result
  if (Tid() % 32 == 0) shared.keys[Tid() / 32] = key;
  SyncBlock();
  for (const uint64_t other : shared.keys) key = other < key ? other : key;
  return key;
}

// fn(token, its logit) for every 256th of a row, in order. Many are loaded at once: a row has one block.
template <int kAhead, typename Fn>
GPU_FN void ForEachToken(const float* logits, int count, Fn&& fn) {
  int first = Tid();
  for (; first + (kAhead - 1) * kSampleThreads < count; first += kAhead * kSampleThreads) {
    float ahead[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) ahead[i] = logits[first + i * kSampleThreads];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) fn(first + i * kSampleThreads, ahead[i]);
  }
  for (; first < count; first += kSampleThreads) fn(first, logits[first]);
}

// Logits, the largest of them, and weights exp((logit - max) / temperature).
struct Tokens {
  const float* logits;
  int count;
  float max;
  float temperature;

  GPU_FN float WeightOf(float logit) const { return Exp((logit - max) / temperature); }
  GPU_FN uint64_t IntegerOf(float logit) const { return static_cast<uint64_t>(WeightOf(logit) * kSampleWeightOne); }
};

// The likeliest token; kLastKey if a logit is not a number or the largest is not finite.
GPU_FN uint64_t Likeliest(const float* logits, int count, SampleShared& shared) {
  uint64_t best = kLastKey;
  bool broken = false;
  ForEachToken<32>(logits, count, [&](int id, float logit) {
    const uint64_t key = KeyOf(logit, id);
    broken = broken || logit != logit;
    best = key < best ? key : best;
  });
  const uint64_t key = SmallestKey(best, shared);
  const bool all_numbers = SmallestKey(broken ? 0 : 1, shared) == 1;
  const bool finite = all_numbers && Abs(logits[IdOf(key)]) < std::numeric_limits<float>::infinity();
  return finite ? key : kLastKey;
}

}  // namespace engine::gpu
