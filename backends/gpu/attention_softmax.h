// Device code: a row of scores of one partition turned into weights, by the 32 lanes of a slot (numerics rules 2, 5, 6).
#pragma once

#include <limits>

#include "backends/gpu/attention_scores.h"
#include "core/base/bf16.h"

namespace engine::gpu {

// A lane has tokens lane, lane + 32, … of the partition: one of each block.
inline constexpr int kLaneTokens = kPartitionTokens / 32;

GPU_FN bool IsFinite(float x) { return Abs(x) < std::numeric_limits<float>::infinity(); }

// The long sum of a partition: each of its 256 partials is one token's.
GPU_FN float PartitionSum(const float* p) {
  const float quarters[4] = {p[0] + p[4], p[1] + p[5], p[2] + p[6], p[3] + p[7]};
  return GroupSum<32>((quarters[0] + quarters[2]) + (quarters[1] + quarters[3]));
}

// Rule 6 for int8: weights times the scales of V, as multiples of a unit.
struct CountedWeights {
  float unit;
  float per_unit;  // 0 where all counts are 0

  GPU_FN CountedWeights(const float* weights, const bool* visible) {
    float largest = 0.0f;
    float broken = 0.0f;
    for (int j = 0; j < kLaneTokens; ++j) {
      if (!visible[j]) continue;
      if (!IsFinite(weights[j])) broken = 1.0f;
      largest = Max(weights[j], largest);
    }
    largest = GroupMax<32>(largest);
    const bool finite = GroupMax<32>(broken) == 0.0f;
    const bool counts = finite && !(largest < kSmallestByteWeight);
    per_unit = counts ? 255.0f / largest : 0.0f;
    unit = counts ? largest / 255.0f : (finite ? 0.0f : std::numeric_limits<float>::quiet_NaN());
  }
};

// The weights of a row as int8 takes them.
GPU_FN void CountWeights(const AttentionArgs& args, const AttentionTile& tile, int start, const bool* visible, float* p,
                         AttentionShared& shared) {
  const int row = Tid() / 32, lane = Tid() % 32;
#pragma unroll
  for (int j = 0; j < kLaneTokens; ++j) {
    if (!visible[j]) continue;
    const std::byte* const values = tile.KeysOf(args, start + 32 * j) + kSpanBlocks * args.part_bytes;
    p[j] *= reinterpret_cast<const float*>(values + kKvBlockTokens * args.head_dim)[lane];
  }
  const CountedWeights counted(p, visible);
  if (row >= tile.rows) return;
  if (lane == 0) shared.unit[row] = counted.unit;
  auto* const counts = reinterpret_cast<uint8_t*>(shared.count_words[row]);
#pragma unroll
  for (int j = 0; j < kLaneTokens; ++j) {
    const bool counts_any = visible[j] && counted.per_unit > 0.0f;
    counts[lane + 32 * j] = counts_any ? static_cast<uint8_t>(Round(p[j] * counted.per_unit)) : uint8_t{0};
  }
}

// The row's sums, for whoever merges them.
GPU_FN void StoreSums(const AttentionArgs& args, const AttentionTile& tile, int start, float maximum, float sum,
                      AttentionShared& shared) {
  const int row = Tid() / 32;
  if (!args.IsSplit()) {
    shared.factors[row] = shared.totals[row].Merge(maximum, sum);
    return;
  }
  float* const partial = tile.Partial(args, start / kPartitionTokens, row);
  partial[0] = maximum;
  partial[1] = sum;
}

// Every lane of the block calls it; those of rows that are not there only take part.
template <DType kCache>
GPU_FN void SoftmaxRow(const AttentionArgs& args, const AttentionTile& tile, int start, AttentionShared& shared) {
  const int row = Tid() / 32, lane = Tid() % 32;
  const bool exists = row < tile.rows;
  const int begin = exists ? shared.begin[row] - start : 0;
  const int end = exists ? shared.end[row] - start : 0;
  float p[kLaneTokens];
  bool visible[kLaneTokens];
  float maximum = -std::numeric_limits<float>::infinity();
#pragma unroll
  for (int j = 0; j < kLaneTokens; ++j) {
    const int token = lane + 32 * j;
    visible[j] = token >= begin && token < end;
    p[j] = visible[j] ? shared.weights[row][token] : 0.0f;
    if (visible[j]) maximum = Max(p[j], maximum);
  }
  maximum = GroupMax<32>(maximum);
#pragma unroll
  for (int j = 0; j < kLaneTokens; ++j) p[j] = visible[j] ? Exp(p[j] - maximum) : 0.0f;
  const float sum = PartitionSum(p);
  if (lane == 0 && begin < kPartitionTokens && end > 0) StoreSums(args, tile, start, maximum, sum, shared);
  if constexpr (kCache == DType::kI8) {
    CountWeights(args, tile, start, visible, p, shared);
  } else {
#pragma unroll
    for (int j = 0; j < kLaneTokens; ++j) {
      if (exists) shared.weights[row][lane + 32 * j] = kCache == DType::kBF16 ? WidenBf16(F32ToBf16(p[j])) : p[j];
    }
  }
}

}  // namespace engine::gpu
