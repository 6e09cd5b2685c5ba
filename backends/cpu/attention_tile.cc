#include "backends/cpu/attention_tile.h"

#include <algorithm>

#include "backends/cpu/attention_softmax.h"
#include "backends/cpu/attention_walk.h"
#include "backends/cpu/row_store.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

template <typename Number>
struct Queries {
  using Kv = Number;
  const AttentionTile& tile;

  const typename Kv::Element* Row(int row) const { return ElementsAt<Kv>(tile.queries) + row * stride(); }
  int64_t stride() const { return tile.head_dim; }
  static F32x16 Start(int) { return F32x16(0.0f); }
  static F32x16 Score(F32x16 sum, int, const std::byte*, int) { return sum; }
};

// Over a row's scores, in the cache's type. Vectors without a visible token take no part: AddValues does not read them.
template <typename Kv>
[[gnu::always_inline]] inline void StoreWeights(const Softmax& softmax, float* scores) {
  auto* weights = reinterpret_cast<typename Kv::Element*>(scores);
#pragma unroll
  for (int j = 0; j < kLongSumVectors; ++j) {
    if (softmax.seen.Has(j)) Kv::StoreWeights(weights + 16 * j, softmax.p[j]);
  }
}

// Where the weights and the sums of a few rows lie.
template <typename Number>
struct ValueRows {
  using Kv = Number;
  const typename Kv::Element* weights;
  float* weighted;

  ValueRows Row(int row, int64_t head_dim) const {
    constexpr int64_t kStride = kScoreStride * sizeof(float) / sizeof(typename Kv::Element);
    return {weights + row * kStride, weighted + row * WeightedStride(head_dim)};
  }
  static F32x16 Start(const float* weighted) { return Load(weighted); }
  static F32x16 Sum(F32x16 sum, int) { return sum; }
};

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
    Accumulate(DotBlock<Kv>{.a = out.weights + token, .a_row = 0, .b = shown, .b_step = 0, .steps = 1},
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
  if (!whole.empty()) AddValues(1, out, tile, partition, whole);
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
  AddValues(rows.end - rows.begin, out.Row(rows.begin, tile.head_dim), tile, partition, shared);
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

// Scores of a partition, softmax(row, visible, scores), which leaves weights in their place, and what these make of V.
template <typename Kv, typename SoftmaxFn>
void AttendBy(const AttentionTile& tile, int64_t partition, float* scores, float* weighted, SoftmaxFn&& softmax) {
  {
    const typename Kv::Scope scope;
    ScorePartition(Queries<Kv>{tile}, tile, partition, scores);
  }
  const Rows rows = RowsSeeingPartition(tile, partition);
  for (int r = rows.begin; r < rows.end; ++r) {
    FetchValues(tile, partition, r - rows.begin);
    softmax(r, VisibleTokens(tile, r, partition), scores + r * kScoreStride);
  }
  const typename Kv::Scope scope;
  AddPartition<Kv>(tile, partition, rows, {reinterpret_cast<const typename Kv::Element*>(scores), weighted});
}

template <typename Kv>
void AttendAs(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& out) {
  const Rows rows = RowsSeeingPartition(tile, partition);
  float* const weighted = out.weighted + rows.begin * WeightedStride(tile.head_dim);
  const int64_t count = (rows.end - rows.begin) * WeightedStride(tile.head_dim);
  std::fill_n(weighted, count, 0.0f);
  AttendBy<Kv>(tile, partition, scores, out.weighted, [&](int row, Tokens visible, float* row_scores) {
    const Softmax softmax(row_scores, tile.scale, visible);
    StoreWeights<Kv>(softmax, row_scores);
    out.maximum[row] = softmax.maximum;
    out.total[row] = TreeSum(softmax.p);
  });
  // A sum of -0 becomes +0: then it does not matter whether +0 * V was added for a hidden token or left out.
  for (int64_t i = 0; i < count; i += 16) Store(weighted + i, Load(weighted + i) + F32x16(0.0f));
}

void Attend(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& out) {
  if (tile.dtype == DType::kI8) return AttendInt8(tile, partition, scores, out);
  if (tile.dtype == DType::kBF16) return AttendAs<Bf16Kv>(tile, partition, scores, out);
  AttendAs<F32Kv>(tile, partition, scores, out);
}

// A row's scores against the maximum so far: what was summed before shrinks where they raise it.
template <typename Kv>
void AttendRunningAs(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& running) {
  AttendBy<Kv>(tile, partition, scores, running.weighted, [&](int row, Tokens visible, float* row_scores) {
    const float before = running.maximum[row];
    const Softmax softmax(row_scores, tile.scale, visible, before);
    StoreWeights<Kv>(softmax, row_scores);
    const F32x16 keep = Exp(F32x16(before - softmax.maximum));
    running.maximum[row] = softmax.maximum;
    Store(running.total + row, Fma(F32x16(running.total[row]), keep, F32x16(TreeSum(softmax.p))), 1);
    if (softmax.maximum == before) return;
    float* const weighted = running.weighted + row * WeightedStride(tile.head_dim);
    for (int64_t i = 0; i < WeightedStride(tile.head_dim); i += 16) Store(weighted + i, Load(weighted + i) * keep);
  });
}

void AttendRunning(const AttentionTile& tile, int64_t partition, float* scores, const AttentionSums& running) {
  if (tile.dtype == DType::kBF16) return AttendRunningAs<Bf16Kv>(tile, partition, scores, running);
  AttendRunningAs<F32Kv>(tile, partition, scores, running);
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

struct WeightedMean {
  const float* weighted;
  F32x16 total;
  template <typename LoadAt>
  F32x16 At(const LoadAt& load, int64_t i) const {
    return load(weighted, i) / total;
  }
};

void Finish(const AttentionTile& tile, const AttentionSums& running, const AttentionOut& out) {
  for (int r = 0; r < tile.rows; ++r) {
    const float* const weighted = running.weighted + r * WeightedStride(tile.head_dim);
    StorePartAs(out.dtype, WeightedMean{weighted, F32x16(running.total[r])},
                {out.rows[r], out.row_values, out.columns[r], tile.head_dim});
  }
}

}  // namespace

const AttentionCode kAttention = {.attend_running = AttendRunning, .attend = Attend, .merge = Merge, .finish = Finish};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
