// paged_attention: softmax of queries times keys, times values, over a paged cache (docs/numerics.md, rule 6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "backends/gpu/kernel_instance.h"
#include "core/base/math.h"
#include "core/kv/block_size.h"

namespace engine::gpu {

// Query rows of a block: a row is a token and one of the heads that share its KV head, tokens first. Eight are the largest
// usual group of heads, and each of the eight slots of 32 lanes has one for its softmax.
inline constexpr int kAttentionRows = 8;
inline constexpr int kAttentionThreads = 256;  // one per token of a partition
inline constexpr int kPartitionTokens = 256;
inline constexpr int kMaxHeadDim = 256;
// Of a block that multiplies matrices: 16 rows for 32 threads.
inline constexpr int kMatrixThreads = 128;
inline constexpr int kMatrixRows = kMatrixThreads / 32 * 16;

struct AttentionArgs {
  const std::byte* q;      // [T, heads * head_dim] in the cache's dtype; f32 for int8
  const std::byte* cache;  // ops/kv_layout.h
  const int32_t* block_table;
  const int32_t* query_start;
  const int32_t* query_length;
  const int32_t* context_length;
  float* out;          // [T, heads * head_dim]
  float* partials;     // of each partition, where they are split among blocks
  int64_t part_bytes;  // of the K or V part of a block and head
  int table_columns;
  int kv_heads;
  int group;  // heads that share a KV head
  int head_dim;
  int window;
  int rows;        // of a KV head, of the sequence that has the most
  int partitions;  // that the longest context may have, where blocks have one each; 0: a block walks all of its tile's
  float scale;

  constexpr bool IsSplit() const { return partitions > 0; }
};

// What one partition contributes to a row: largest score, sum of exponentials, weighted values.
constexpr int64_t PartialFloats(int64_t head_dim) { return head_dim + 2; }

// What a merged output takes of its value so far, and of the partition's.
struct MergeFactors {
  float keep;
  float take;
};

// A row's largest score and sum of exponentials, over the partitions so far.
struct RowTotals {
  float maximum;
  float sum;

  constexpr void Clear() {
    maximum = -std::numeric_limits<float>::infinity();
    sum = 0.0f;
  }
  // The first time, exp(-inf) = 0 leaves the partition as it is.
  constexpr MergeFactors Merge(float other_maximum, float other_sum) {
    const float largest = Max(other_maximum, maximum);
    const MergeFactors factors = {Exp(maximum - largest), Exp(other_maximum - largest)};
    maximum = largest;
    sum = Fma(other_sum, factors.take, sum * factors.keep);
    return factors;
  }
};

struct AttentionShared {
  alignas(16) float queries[kAttentionRows][kMaxHeadDim];
  alignas(16) float weights[kAttentionRows][kPartitionTokens];  // scores, then exponentials
  uint32_t query_words[kAttentionRows][kMaxHeadDim / 4];        // int8, as are the counts that stand for weights
  uint32_t count_words[kAttentionRows][kPartitionTokens / 4];
  // So far, each of one thread: in registers they would be in the way of values that are awaited.
  float outputs[kAttentionRows][kMaxHeadDim];
  int begin[kAttentionRows];  // positions that a row sees
  int end[kAttentionRows];
  RowTotals totals[kAttentionRows];
  MergeFactors factors[kAttentionRows];
  float query_scale[kAttentionRows];  // of scores
  float unit[kAttentionRows];         // of int8 weights
};

// Rows of words lie so far apart that the lanes of a matrix step meet in no bank: their four, or two, rows are 8, or 16,
// banks from each other.
inline constexpr int kPadWords = 8;
inline constexpr int kCrossingWidth = 24;  // of 16 weights and a pad
template <int kDim>
struct MatrixAttentionShared {
  // Of the tokens of a block: pairs of dimensions, and of tokens.
  alignas(16) uint32_t keys[kDim / 2][kBlockTokens + kPadWords];
  alignas(16) uint32_t values[kBlockTokens / 2][kDim + kPadWords];
  // Of each warp: weights on their way to other lanes.
  alignas(16) uint16_t crossing[kMatrixThreads / 32][16][kCrossingWidth];
  RowTotals totals[kMatrixRows];  // of partitions before, unless others merge them
  int all_begin;                  // positions that all rows see
  int all_end;
  uint32_t not_finite[kMatrixThreads / 32];  // of each 32 threads: whether they found such a value
};

constexpr KernelInstance AttentionInstance(std::string_view name) {
  return {name, "paged_attention", sizeof(AttentionArgs), kAttentionThreads, sizeof(AttentionShared)};
}
inline constexpr KernelInstance kPagedAttentionF32 = AttentionInstance("paged_attention_f32");
inline constexpr KernelInstance kPagedAttentionBf16 = AttentionInstance("paged_attention_bf16");
inline constexpr KernelInstance kPagedAttentionInt8 = AttentionInstance("paged_attention_int8");
// On matrix units, of heads of 64 and 128 dimensions.
template <int kDim>
constexpr KernelInstance MatrixAttentionInstance(std::string_view name) {
  return {name, "paged_attention", sizeof(AttentionArgs), kMatrixThreads, sizeof(MatrixAttentionShared<kDim>)};
}
inline constexpr KernelInstance kPagedAttentionMatrix64 = MatrixAttentionInstance<64>("paged_attention_matrix_64");
inline constexpr KernelInstance kPagedAttentionMatrix128 = MatrixAttentionInstance<128>("paged_attention_matrix_128");
// Adds up the partials, in ascending order of the partitions.
inline constexpr KernelInstance kMergePartitions = {"merge_partitions", "paged_attention", sizeof(AttentionArgs),
                                                    kAttentionThreads};

}  // namespace engine::gpu
