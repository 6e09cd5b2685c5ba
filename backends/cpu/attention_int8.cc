// Attention over an int8 cache: integer products on both sides of the softmax (docs/numerics.md, rule 6).
#include <algorithm>
#include <cstring>
#include <limits>

#include "backends/cpu/attention_softmax.h"
#include "backends/cpu/attention_walk.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

const float* ScalesAt(const std::byte* part, int64_t head_dim) {
  return reinterpret_cast<const float*>(part + KvScalesOffset(head_dim));
}

struct Queries {
  using Kv = Int8Keys;
  const AttentionTile& tile;

  const int8_t* Row(int row) const { return ElementsAt<Kv>(tile.queries) + row * stride(); }
  int64_t stride() const { return QueryStride(tile.head_dim); }
  I32x16 Start(int row) const { return I32x16(-128 * tile.query_sum[row]); }
  F32x16 Score(I32x16 sum, int row, const std::byte* keys, int vector) const {
    return (ToF32(sum) * Load(ScalesAt(keys, tile.head_dim) + 16 * vector)) * F32x16(tile.query_scale[row]);
  }
};

// V's scales of tokens [begin, end) of the partition, whole blocks.
void CopyValueScales(const AttentionTile& tile, int64_t partition, Tokens tokens, float* scales) {
  for (int64_t token = tokens.begin / kKvBlockTokens * kKvBlockTokens; token < tokens.end; token += kKvBlockTokens) {
    const int64_t block = (partition * kAttentionPartition + token) / kKvBlockTokens;
    std::copy_n(ScalesAt(ValuesOf(tile, block), tile.head_dim), kKvBlockTokens, scales + token);
  }
}

// Turns a row's exponentials into counts of a unit, stored over its scores; the hidden ones are 0, whatever their scales.
float StoreByteWeights(const Softmax& softmax, Tokens visible, float total, const float* value_scales,
                       uint8_t* counts) {
  const auto weight = [&](int j) { return WhereVisible(softmax.p[j] * Load(value_scales + 16 * j), j, visible, 0.0f); };
  I32x16 magnitudes(0);
#pragma unroll
  for (int j = 0; j < kLongSumVectors; ++j) {
    if (softmax.seen.Has(j)) magnitudes = Max(magnitudes, BitsOf(weight(j)));
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
    const I32x16 count = softmax.seen.Has(j) ? ToI32(weight(j) * per_unit) : I32x16(0);
    StoreNarrow(reinterpret_cast<int8_t*>(counts) + 16 * j, count);
  }
  return largest < kSmallestByteWeight ? 0.0f : largest / 255.0f;
}

// Byte weights of a few rows, their units and where their sums go: unit * (weights . V).
struct ValueRows {
  using Kv = Int8Values;
  const uint8_t* weights;
  const float* units;
  float* weighted;

  static I32x16 Start(const float*) { return I32x16(0); }
  F32x16 Sum(I32x16 sum, int row) const { return ToF32(sum) * F32x16(units[row]); }
};

}  // namespace

void AttendInt8(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& out) {
  const Rows rows = RowsSeeingPartition(tile, partition);
  float value_scales[kAttentionPartition];
  float units[kAttentionTileRows];
  // First, so that they arrive while keys are read.
  CopyValueScales(tile, partition,
                  {VisibleTokens(tile, rows.begin, partition).begin, VisibleTokens(tile, rows.end - 1, partition).end},
                  value_scales);
  ScorePartition(Queries{tile}, tile, partition, scores);
  for (int r = rows.begin; r < rows.end; ++r) {
    float* const row = scores + r * kScoreStride;
    FetchValues(tile, partition, r - rows.begin);
    const Tokens visible = VisibleTokens(tile, r, partition);
    const Softmax softmax(row, 1.0f, visible);
    out.maximum[r] = softmax.maximum;
    out.total[r] = TreeSum(softmax.p);
    units[r] = StoreByteWeights(softmax, visible, out.total[r], value_scales, reinterpret_cast<uint8_t*>(row));
  }
  // A token that a row does not see has the count 0, and 0 times any integer is 0.
  for (int r = rows.begin; r < rows.end; r += kRowTile) {
    const int count = std::min(kRowTile, rows.end - r);
    const Tokens quads{VisibleTokens(tile, r, partition).begin / 4 * 4,
                       (VisibleTokens(tile, r + count - 1, partition).end + 3) / 4 * 4};
    AddValues(count,
              ValueRows{.weights = reinterpret_cast<const uint8_t*>(scores + r * kScoreStride),
                        .units = units + r,
                        .weighted = out.weighted + r * WeightedStride(tile.head_dim)},
              tile, partition, quads);
  }
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
