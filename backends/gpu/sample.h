// sample: one token per row of logits (ops/sample.h).
#pragma once

#include <string_view>

#include "backends/gpu/kernel_instance.h"
#include "backends/gpu/long_sum_shared.h"
#include "ops/sampling_row.h"

namespace engine::gpu {

struct SampleArgs {
  const float* logits;  // [rows, columns]
  const SamplingRow* params;
  const TokenAdjustment* adjustments;
  const uint32_t* masks;  // [rows, mask_words]
  int32_t* ids;
  SampledToken* samples;
  float* adjusted;   // [blocks, vocab]
  int32_t* members;  // [blocks, vocab]: tokens of one bucket
  int64_t columns;
  int rows;
  int vocab;
  int mask_words;
  uint8_t unused[4] = {};  // kernel_instance.h
};

// The threads are the partials of a long sum.
inline constexpr int kSampleThreads = kLongSumPartials;
inline constexpr int kSampleSlots = kSampleThreads / 32;

// Buckets of logits by their distance below the largest: what falls into one is sorted out afterwards. A bucket's width of
// 0.027 at temperature 1 holds a few dozen tokens of a usual distribution.
inline constexpr int kBuckets = 1024;
// Values of a digit of a token's place in the order of all.
inline constexpr int kDigits = 256;

// Tokens of each bucket or digit, and the sum of their weights.
template <int kBins>
struct Bins {
  uint32_t counts[kBins];
  uint64_t weights[kBins];
};

// How far a walk through bins has come.
struct Walk {
  int bin;
  uint32_t count;   // before the bin
  uint64_t weight;  // before the bin
};

struct SampleShared {
  Bins<kBuckets> buckets;
  Bins<kDigits> digits;
  Bins<32> parts;  // of either, 32 at a time
  Walk walk;
  uint64_t keys[kSampleSlots];
  uint64_t sums[kSampleSlots];
  LongSumShared long_sum;
  uint64_t top[kMaxTopLogprobs];
  uint64_t chosen;
  uint32_t num_members;
  uint32_t num_top;
};

inline constexpr KernelInstance kSample = {"sample", "sample", sizeof(SampleArgs), kSampleThreads,
                                           sizeof(SampleShared)};

}  // namespace engine::gpu
