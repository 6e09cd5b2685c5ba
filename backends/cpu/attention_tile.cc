#include "backends/cpu/attention_tile.h"

#include <algorithm>

#include "backends/cpu/attention_rows.h"
#include "backends/cpu/attention_softmax.h"
#include "backends/cpu/kv_steps.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

template <typename Kv>
const typename Kv::Element* ElementsAt(const std::byte* part) {
  return reinterpret_cast<const typename Kv::Element*>(part);
}

// Dot products of `rows` queries with a block's 32 keys.
template <typename Kv, int kRows>
void ScoreRows(int rows, const typename Kv::Element* queries, const typename Kv::Element* keys, int64_t head_dim,
               int64_t ahead, float* scores) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return ScoreRows<Kv, kRows - 1>(rows, queries, keys, head_dim, ahead, scores);
  }
  F32x16 acc[kRows][2];
  for (int r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = F32x16(0.0f);
  Accumulate(DotBlock<Kv>{.a = queries,
                          .a_row = head_dim,
                          .b = keys,
                          .b_step = kKvBlockTokens * Kv::kStep,
                          .steps = head_dim / Kv::kStep,
                          .ahead = ahead},
             WholeLanes<Kv>(), acc);
  for (int r = 0; r < kRows; ++r) {
    Store(scores + r * kScoreStride, acc[r][0]);
    Store(scores + r * kScoreStride + 16, acc[r][1]);
  }
}

// Rows that see nothing of a block keep what its scores hold; softmax hides it.
template <typename Kv>
[[gnu::noinline]] void ScorePartition(const AttentionTile& tile, int64_t partition, float* scores) {
  const int64_t start = partition * kAttentionPartition;
  for (int64_t token = 0; token < kAttentionPartition; token += kKvBlockTokens) {
    const Rows rows = RowsSeeing(tile, start + token, start + token + kKvBlockTokens);
    if (rows.begin >= rows.end) continue;
    const int64_t block = (start + token) / kKvBlockTokens;
    const auto* keys = ElementsAt<Kv>(KeysOf(tile, block));
    const int64_t ahead = AheadOf(tile, block);
    const auto* queries = reinterpret_cast<const typename Kv::Element*>(tile.queries);
    for (int r = rows.begin; r < rows.end; r += kRowTile) {
      ScoreRows<Kv, kRowTile>(std::min(kRowTile, rows.end - r), queries + r * tile.head_dim, keys, tile.head_dim, ahead,
                              scores + r * kScoreStride + token);
    }
  }
}

// Turns a row of scores into weights exp(score - maximum), stored over them in the cache's type. Vectors without a
// visible token take no part: AddValues does not read them.
template <typename Kv>
void SoftmaxRow(float scale, Tokens visible, float* scores, float* maximum, float* total) {
  const Softmax softmax(scores, scale, visible);
  auto* weights = reinterpret_cast<typename Kv::Element*>(scores);
#pragma unroll
  for (int j = 0; j < kLongSumVectors; ++j) {
    if (softmax.seen.Has(j)) Kv::StoreWeights(weights + 16 * j, softmax.p[j]);
  }
  *maximum = softmax.maximum;
  *total = TreeSum(softmax.p);
}

// Where the weights and the sums of a few rows lie.
template <typename Kv>
struct ValueRows {
  const typename Kv::Element* weights;
  float* weighted;

  static constexpr int64_t kWeightsStride = kScoreStride * sizeof(float) / sizeof(typename Kv::Element);
  ValueRows Row(int row, int64_t head_dim) const {
    return {weights + row * kWeightsStride, weighted + row * WeightedStride(head_dim)};
  }
};

// Dimensions [dim, dim + 16 kVectors) of AddValues.
template <typename Kv, int kRows, int kVectors, typename Lanes>
void AddDims(const AttentionTile& tile, int64_t partition, Tokens tokens, int64_t dim, const Lanes& lanes,
             ValueRows<Kv> out) {
  const int64_t stride = WeightedStride(tile.head_dim);
  F32x16 acc[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) acc[r][v] = Load(out.weighted + r * stride + dim + 16 * v);
  }
  for (int64_t token = tokens.begin; token < tokens.end;) {
    const int64_t in_block = token % kKvBlockTokens;
    const int64_t count = std::min(kKvBlockTokens - in_block, tokens.end - token);
    const int64_t block = (partition * kAttentionPartition + token) / kKvBlockTokens;
    const auto* values = ElementsAt<Kv>(ValuesOf(tile, block));
    Accumulate(DotBlock<Kv>{.a = out.weights + token,
                            .a_row = ValueRows<Kv>::kWeightsStride,
                            .b = values + in_block * tile.head_dim + dim * Kv::kStep,
                            .b_step = tile.head_dim * Kv::kStep,
                            .steps = count / Kv::kStep,
                            .ahead = AheadOf(tile, block)},
               lanes, acc);
    token += count;
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) Store(out.weighted + r * stride + dim + 16 * v, acc[r][v]);
  }
}

// Dimensions from `dim` on as far as whole vectors go, kVectors at a time or fewer; returns where they end.
template <typename Kv, int kRows, int kVectors>
int64_t AddWholeVectors(const AttentionTile& tile, int64_t partition, Tokens tokens, int64_t dim, ValueRows<Kv> out) {
  for (; dim + 16 * kVectors <= tile.head_dim; dim += 16 * kVectors) {
    AddDims<Kv, kRows, kVectors>(tile, partition, tokens, dim, WholeLanes<Kv>(), out);
  }
  if constexpr (kVectors == 1) {
    return dim;
  } else {
    return AddWholeVectors<Kv, kRows, kVectors / 2>(tile, partition, tokens, dim, out);
  }
}

// weighted += weights * V over tokens [begin, end) of the partition, whole steps that all rows see.
template <typename Kv, int kRows>
void AddValues(int rows, const AttentionTile& tile, int64_t partition, Tokens tokens, ValueRows<Kv> out) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return AddValues<Kv, kRows - 1>(rows, tile, partition, tokens, out);
  }
  const int64_t dim = AddWholeVectors<Kv, kRows, MostVectors(kRows)>(tile, partition, tokens, 0, out);
  if (dim == tile.head_dim) return;
  AddDims<Kv, kRows, 1>(tile, partition, tokens, dim, SomeLanes<Kv>{tile.head_dim - dim}, out);
}

// A step of which a row sees only some tokens: the memory of the others may hold anything, so they enter as +0.
template <typename Kv>
void AddPartialStep(const AttentionTile& tile, int64_t partition, int64_t token, Tokens visible, ValueRows<Kv> out) {
  const auto* values = ElementsAt<Kv>(ValuesOf(tile, (partition * kAttentionPartition + token) / kKvBlockTokens)) +
                       token % kKvBlockTokens * tile.head_dim;
  for (int64_t dim = 0; dim < tile.head_dim; dim += 16) {
    typename Kv::Element shown[16 * Kv::kStep] = {};
    for (int64_t i = 0; i < std::min<int64_t>(16, tile.head_dim - dim) * Kv::kStep; ++i) {
      const int64_t position = token + i % Kv::kStep;
      if (position >= visible.begin && position < visible.end) shown[i] = values[dim * Kv::kStep + i];
    }
    F32x16 acc[1][1] = {{Load(out.weighted + dim)}};
    Accumulate(DotBlock<Kv>{.a = out.weights + token, .a_row = 0, .b = shown, .b_step = 0, .steps = 1, .ahead = 0},
               WholeLanes<Kv>(), acc);
    Store(out.weighted + dim, acc[0][0]);
  }
}

// Tokens [begin, end) of one row, all visible to it, in ascending steps.
template <typename Kv>
void AddRow(const AttentionTile& tile, int64_t partition, Tokens tokens, ValueRows<Kv> out) {
  if (tokens.empty()) return;
  const Tokens whole{(tokens.begin + Kv::kStep - 1) / Kv::kStep * Kv::kStep, tokens.end / Kv::kStep * Kv::kStep};
  if (tokens.begin < whole.begin) AddPartialStep<Kv>(tile, partition, whole.begin - Kv::kStep, tokens, out);
  if (!whole.empty()) AddValues<Kv, 1>(1, tile, partition, whole, out);
  if (tokens.end > whole.end) AddPartialStep<Kv>(tile, partition, whole.end, tokens, out);
}

// Up to kRowTile rows: the steps that all of them see together, what is before and behind those row by row. Every row
// meets its tokens in ascending order.
template <typename Kv>
void AddRows(const AttentionTile& tile, int64_t partition, Rows rows, ValueRows<Kv> out) {
  const int64_t last_begin = VisibleTokens(tile, rows.end - 1, partition).begin;
  const int64_t first_end = VisibleTokens(tile, rows.begin, partition).end;
  Tokens shared{(last_begin + Kv::kStep - 1) / Kv::kStep * Kv::kStep, first_end / Kv::kStep * Kv::kStep};
  if (shared.empty()) shared = {kAttentionPartition, kAttentionPartition};
  for (int r = rows.begin; r < rows.end; ++r) {
    const Tokens visible = VisibleTokens(tile, r, partition);
    AddRow<Kv>(tile, partition, {visible.begin, std::min(visible.end, shared.begin)}, out.Row(r, tile.head_dim));
  }
  if (shared.empty()) return;
  AddValues<Kv, kRowTile>(rows.end - rows.begin, tile, partition, shared, out.Row(rows.begin, tile.head_dim));
  for (int r = rows.begin; r < rows.end; ++r) {
    AddRow<Kv>(tile, partition, {shared.end, VisibleTokens(tile, r, partition).end}, out.Row(r, tile.head_dim));
  }
}

template <typename Kv>
[[gnu::noinline]] void AddPartition(const AttentionTile& tile, int64_t partition, Rows rows, ValueRows<Kv> out) {
  for (int r = rows.begin; r < rows.end; r += kRowTile) {
    AddRows<Kv>(tile, partition, {r, std::min(r + kRowTile, rows.end)}, out);
  }
}

template <typename Kv>
void AttendAs(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& out) {
  {
    const typename Kv::Scope scope;
    ScorePartition<Kv>(tile, partition, scores);
  }
  const Rows rows = RowsSeeingPartition(tile, partition);
  for (int r = rows.begin; r < rows.end; ++r) {
    SoftmaxRow<Kv>(tile.scale, VisibleTokens(tile, r, partition), scores + r * kScoreStride, out.maximum + r,
                   out.total + r);
  }
  float* const weighted = out.weighted + rows.begin * WeightedStride(tile.head_dim);
  const int64_t count = (rows.end - rows.begin) * WeightedStride(tile.head_dim);
  std::fill_n(weighted, count, 0.0f);
  {
    const typename Kv::Scope scope;
    AddPartition<Kv>(tile, partition, rows, {reinterpret_cast<const typename Kv::Element*>(scores), out.weighted});
  }
  // A sum of -0 becomes +0: then it does not matter whether +0 * V was added for a hidden token or left out.
  for (int64_t i = 0; i < count; i += 16) Store(weighted + i, Load(weighted + i) + F32x16(0.0f));
}

void Attend(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& out) {
  if (tile.dtype == DType::kI8) return AttendInt8(tile, partition, scores, out);
  if (tile.dtype == DType::kBF16) return AttendAs<Bf16Kv>(tile, partition, scores, out);
  AttendAs<F32Kv>(tile, partition, scores, out);
}

void Merge(const AttentionTile& tile, int64_t partition, const AttentionSums& sums, const AttentionSums& running) {
  const Rows rows = RowsSeeingPartition(tile, partition);
  const int64_t stride = WeightedStride(tile.head_dim);
  for (int r = rows.begin; r < rows.end; ++r) {
    const float maximum = sums.maximum[r] > running.maximum[r] ? sums.maximum[r] : running.maximum[r];
    const F32x16 keep = Exp(F32x16(running.maximum[r] - maximum));
    const F32x16 take = Exp(F32x16(sums.maximum[r] - maximum));
    running.maximum[r] = maximum;
    Store(running.total + r, Fma(F32x16(sums.total[r]), take, F32x16(running.total[r]) * keep), 1);
    for (int64_t i = r * stride; i < (r + 1) * stride; i += 16) {
      Store(running.weighted + i, Fma(Load(sums.weighted + i), take, Load(running.weighted + i) * keep));
    }
  }
}

void Finish(const AttentionTile& tile, const AttentionSums& running, float* const* out) {
  for (int r = 0; r < tile.rows; ++r) {
    const F32x16 total(running.total[r]);
    for (int i = 0; i < tile.head_dim; i += 16) {
      const F32x16 quotient = Load(running.weighted + r * WeightedStride(tile.head_dim) + i) / total;
      Store(out[r] + i, quotient, std::min(16, tile.head_dim - i));
    }
  }
}

}  // namespace

const AttentionCode kAttention = {.attend = Attend, .merge = Merge, .finish = Finish};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
