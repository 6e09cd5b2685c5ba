// Attention over an int8 cache: integer products on both sides of the softmax (docs/numerics.md, rule 6).
#include <algorithm>
#include <cstring>
#include <limits>

#include "backends/cpu/attention_rows.h"
#include "backends/cpu/attention_softmax.h"
#include "backends/cpu/kv_steps.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

const int8_t* Int8At(const std::byte* part) { return reinterpret_cast<const int8_t*>(part); }
const float* ScalesAt(const std::byte* part, int64_t head_dim) {
  return reinterpret_cast<const float*>(part + KvScalesOffset(head_dim));
}

// Scores of rows [row, row + rows) over a block's 32 keys.
template <int kRows>
void ScoreRows(int rows, const AttentionTile& tile, int row, int64_t block, float* scores) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return ScoreRows<kRows - 1>(rows, tile, row, block, scores);
  }
  I32x16 acc[kRows][2];
  for (int r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = I32x16(-128 * tile.query_sum[row + r]);
  const std::byte* keys = KeysOf(tile, block);
  const int64_t ahead = AheadOf(tile, block);
  Accumulate(DotBlock<Int8Keys>{.a = Int8At(tile.queries) + row * QueryStride(tile.head_dim),
                                .a_row = QueryStride(tile.head_dim),
                                .b = Int8At(keys),
                                .b_step = kKvBlockTokens * Int8Keys::kStep,
                                .steps = tile.head_dim / Int8Keys::kStep,
                                .ahead = ahead},
             WholeLanes<Int8Keys>(), acc);
  const float* scales = ScalesAt(keys, tile.head_dim);
  for (int v = 0; v < 2; ++v) {
    FetchEarly(scales + 16 * v, ahead);
    FetchEarly(scales + 16 * v, tile.values_offset);  // softmax needs all of a partition's before the values
  }
  for (int r = 0; r < kRows; ++r) {
    const F32x16 query_scale(tile.query_scale[row + r]);
    for (int v = 0; v < 2; ++v) {
      Store(scores + r * kScoreStride + 16 * v, (ToF32(acc[r][v]) * Load(scales + 16 * v)) * query_scale);
    }
  }
}

// Rows that see nothing of a block keep what its scores hold; softmax hides it.
void ScorePartition(const AttentionTile& tile, int64_t partition, float* scores) {
  const int64_t start = partition * kAttentionPartition;
  for (int64_t token = 0; token < kAttentionPartition; token += kKvBlockTokens) {
    const Rows rows = RowsSeeing(tile, start + token, start + token + kKvBlockTokens);
    for (int r = rows.begin; r < rows.end; r += kRowTile) {
      ScoreRows<kRowTile>(std::min(kRowTile, rows.end - r), tile, r, (start + token) / kKvBlockTokens,
                          scores + r * kScoreStride + token);
    }
  }
}

// V's scales of tokens [begin, end) of the partition, whole blocks.
void CopyValueScales(const AttentionTile& tile, int64_t partition, Tokens tokens, float* scales) {
  for (int64_t token = tokens.begin / kKvBlockTokens * kKvBlockTokens; token < tokens.end; token += kKvBlockTokens) {
    const int64_t block = (partition * kAttentionPartition + token) / kKvBlockTokens;
    std::copy_n(ScalesAt(ValuesOf(tile, block), tile.head_dim), kKvBlockTokens, scales + token);
  }
}

// Turns a row's exponentials into counts of a unit, stored over its scores; the hidden ones are 0.
float StoreByteWeights(const F32x16 (&p)[kLongSumVectors], Vectors seen, float total, const float* value_scales,
                       uint8_t* counts) {
  I32x16 magnitudes(0);
#pragma unroll
  for (int j = 0; j < kLongSumVectors; ++j) {
    if (seen.Has(j)) magnitudes = Max(magnitudes, BitsOf(p[j] * Load(value_scales + 16 * j)));
  }
  const int32_t largest_bits = ReduceMax(magnitudes);
  const float largest = std::bit_cast<float>(largest_bits);
  // Where a score is NaN, so is the total, and with it every output.
  if (largest_bits >= 0x7f800000 || !(total < std::numeric_limits<float>::infinity())) {
    std::memset(counts, 0, kAttentionPartition);
    return std::numeric_limits<float>::quiet_NaN();
  }
  const F32x16 per_unit(largest < kSmallestByteWeight ? 0.0f : 255.0f / largest);
#pragma unroll
  for (int j = 0; j < kLongSumVectors; ++j) {
    const I32x16 count = seen.Has(j) ? ToI32((p[j] * Load(value_scales + 16 * j)) * per_unit) : I32x16(0);
    StoreNarrow(reinterpret_cast<int8_t*>(counts) + 16 * j, count);
  }
  return largest < kSmallestByteWeight ? 0.0f : largest / 255.0f;
}

// Byte weights of a few rows, their units and where their sums go.
struct ValueRows {
  const uint8_t* counts;
  const float* units;
  float* weighted;

  static constexpr int64_t kStride = kScoreStride * int64_t{sizeof(float)};
};

// weighted = unit * (counts . V) of kRows rows in dimensions [dim, dim + 16 kVectors), over whole quads of tokens.
template <int kRows, int kVectors, typename Lanes>
void WeighDims(const AttentionTile& tile, int64_t partition, Tokens tokens, int64_t dim, const Lanes& lanes,
               const ValueRows& out) {
  I32x16 acc[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) acc[r][v] = I32x16(0);
  }
  for (int64_t token = tokens.begin; token < tokens.end;) {
    const int64_t in_block = token % kKvBlockTokens;
    const int64_t count = std::min(kKvBlockTokens - in_block, tokens.end - token);
    const int64_t block = (partition * kAttentionPartition + token) / kKvBlockTokens;
    Accumulate(DotBlock<Int8Values>{.a = out.counts + token,
                                    .a_row = ValueRows::kStride,
                                    .b = Int8At(ValuesOf(tile, block)) + in_block * tile.head_dim + dim * 4,
                                    .b_step = int64_t{tile.head_dim} * Int8Values::kStep,
                                    .steps = count / Int8Values::kStep,
                                    .ahead = AheadOf(tile, block)},
               lanes, acc);
    token += count;
  }
  const int64_t stride = WeightedStride(tile.head_dim);
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      Store(out.weighted + r * stride + dim + 16 * v, ToF32(acc[r][v]) * F32x16(out.units[r]));
    }
  }
}

// Dimensions from `dim` on as far as whole vectors go, kVectors at a time or fewer; returns where they end.
template <int kRows, int kVectors>
int64_t WeighWholeVectors(const AttentionTile& tile, int64_t partition, Tokens tokens, int64_t dim,
                          const ValueRows& out) {
  for (; dim + 16 * kVectors <= tile.head_dim; dim += 16 * kVectors) {
    WeighDims<kRows, kVectors>(tile, partition, tokens, dim, WholeLanes<Int8Values>(), out);
  }
  if constexpr (kVectors == 1) {
    return dim;
  } else {
    return WeighWholeVectors<kRows, kVectors / 2>(tile, partition, tokens, dim, out);
  }
}

template <int kRows>
void WeighValues(int rows, const AttentionTile& tile, int64_t partition, Tokens tokens, const ValueRows& out) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return WeighValues<kRows - 1>(rows, tile, partition, tokens, out);
  }
  const int64_t dim = WeighWholeVectors<kRows, MostVectors(kRows)>(tile, partition, tokens, 0, out);
  if (dim == tile.head_dim) return;
  WeighDims<kRows, 1>(tile, partition, tokens, dim, SomeLanes<Int8Values>{tile.head_dim - dim}, out);
}

}  // namespace

void AttendInt8(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& out) {
  ScorePartition(tile, partition, scores);
  const Rows rows = RowsSeeingPartition(tile, partition);
  float value_scales[kAttentionPartition];
  float units[kAttentionTileRows];
  CopyValueScales(tile, partition,
                  {VisibleTokens(tile, rows.begin, partition).begin, VisibleTokens(tile, rows.end - 1, partition).end},
                  value_scales);
  for (int r = rows.begin; r < rows.end; ++r) {
    float* const row = scores + r * kScoreStride;
    const Softmax softmax(row, 1.0f, VisibleTokens(tile, r, partition));
    out.maximum[r] = softmax.maximum;
    out.total[r] = TreeSum(softmax.p);
    units[r] = StoreByteWeights(softmax.p, softmax.seen, out.total[r], value_scales, reinterpret_cast<uint8_t*>(row));
  }
  // A token that a row does not see has the count 0, and 0 times any integer is 0.
  for (int r = rows.begin; r < rows.end; r += kRowTile) {
    const int count = std::min(kRowTile, rows.end - r);
    const Tokens quads{VisibleTokens(tile, r, partition).begin / 4 * 4,
                       (VisibleTokens(tile, r + count - 1, partition).end + 3) / 4 * 4};
    WeighValues<kRowTile>(count, tile, partition, quads,
                          {.counts = reinterpret_cast<const uint8_t*>(scores + r * kScoreStride),
                           .units = units + r,
                           .weighted = out.weighted + r * WeightedStride(tile.head_dim)});
  }
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
