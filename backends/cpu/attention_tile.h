// Attention of a tile of query rows over one KV head, a softmax partition at a time (docs/numerics.md, rule 6).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/dtype.h"
#include "ops/kv_layout.h"

namespace engine::cpu {

// Query rows that walk a partition together. 32 rows of scores (34 KiB) and of queries stay in L2 while a block's K
// (8 KiB for 128 bf16 dimensions), read by all of them, stays in L1.
inline constexpr int kAttentionTileRows = 32;

// Floats from one row of scores to the next: one cache line more than a partition, so that rows fall in different sets.
inline constexpr int64_t kScoreStride = kAttentionPartition + 16;

struct AttentionTile {
  DType dtype;   // of the cache, and of queries
  int rows;      // at most kAttentionTileRows
  int head_dim;  // even
  float scale;
  const std::byte* queries;  // [rows, head_dim]; of int8 [rows, QueryStride]
  const std::byte* cache;    // K of block 0 for this head
  int64_t values_offset;     // bytes from a block's K to its V
  int64_t block_bytes;       // from a block to the next of its span
  int64_t span_bytes;        // from a span to the next
  const int32_t* blocks;     // of the sequence; those that no row sees may be -1

  // Positions that each row sees. Neither falls from a row to the next.
  int32_t visible_begin[kAttentionTileRows];
  int32_t visible_end[kAttentionTileRows];

  // Of int8 queries: scale of a row's scores, and sum of its integers.
  float query_scale[kAttentionTileRows];
  int32_t query_sum[kAttentionTileRows];
};

// Bytes from one int8 query to the next: whole vectors.
inline constexpr int64_t QueryStride(int64_t head_dim) { return (head_dim + 15) / 16 * 16; }

// Rows of weighted values are whole vectors; lanes behind head_dim are zeros.
inline constexpr int64_t WeightedStride(int64_t head_dim) { return (head_dim + 15) / 16 * 16; }

// Where a tile's rows go: head_dim values of an output row each, from a column on.
struct AttentionOut {
  DType dtype;         // f32 or bf16; q8_group where head_dim is a multiple of 32
  int64_t row_values;  // of a whole output row
  std::byte* rows[kAttentionTileRows];
  int64_t columns[kAttentionTileRows];
};

// Softmax sums of a tile's rows: over one partition, or over all up to one.
struct AttentionSums {
  float* maximum;   // [rows] of the scores
  float* total;     // [rows] of exp(score - maximum)
  float* weighted;  // [rows, WeightedStride(head_dim)] of exp(score - maximum) * V
};

// Both leave alone rows that see nothing of the partition.
struct AttentionCode {
  // attend and merge in one, in an order of its own: nothing waits until a partition ends. Not for int8 caches.
  void (*attend_running)(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& running);
  // `scores`: room for rows * kScoreStride floats.
  void (*attend)(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& out);
  // Partitions come in ascending order; `running` starts with maximum -infinity and zeros.
  void (*merge)(const AttentionTile& tile, int64_t partition, const AttentionSums& sums, const AttentionSums& running);
  // Stores weighted[r] / total[r].
  void (*finish)(const AttentionTile& tile, const AttentionSums& running, const AttentionOut& out);
};

// attend for int8 caches.
namespace portable {
extern const AttentionCode kAttention;
void AttendInt8(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& out);
}  // namespace portable
namespace avx2 {
extern const AttentionCode kAttention;
void AttendInt8(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& out);
}  // namespace avx2
namespace avx512 {
extern const AttentionCode kAttention;
void AttendInt8(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& out);
}  // namespace avx512

}  // namespace engine::cpu
