// The walks of a tile over the blocks of a partition, once for all cache types: scores of keys, and weighted sums of
// values.
#pragma once

#include <algorithm>
#include <type_traits>

#include "backends/cpu/attention_rows.h"
#include "backends/cpu/kv_steps.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// fn(a constant) for the number of rows, at most kMost: accumulators stay in registers where their number is known.
template <int kMost, typename Fn>
void WithRows(int rows, Fn&& fn) {
  if constexpr (kMost > 1) {
    if (rows < kMost) return WithRows<kMost - 1>(rows, fn);
  }
  fn(std::integral_constant<int, kMost>());
}

template <typename Kv>
const typename Kv::Element* ElementsAt(const std::byte* part) {
  return reinterpret_cast<const typename Kv::Element*>(part);
}

// Dot products of rows [row, row + kRows) with a block's 32 keys.
template <int kRows, typename Queries>
void ScoreBlock(const Queries& queries, const AttentionTile& tile, int row, const std::byte* keys, float* scores) {
  using Kv = typename Queries::Kv;
  typename Kv::Sum acc[kRows][2];
  for (int r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = queries.Start(row + r);
  Accumulate(DotBlock<Kv>{.a = queries.Row(row),
                          .a_row = queries.stride(),
                          .b = ElementsAt<Kv>(keys),
                          .b_step = kKvBlockTokens * Kv::kStep,
                          .steps = tile.head_dim / Kv::kStep},
             WholeLanes<Kv>(), acc);
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < 2; ++v) {
      Store(scores + r * kScoreStride + 16 * v, queries.Score(acc[r][v], row + r, keys, v));
    }
  }
}

// Queries: Kv, Row(r) and stride() of the operands, Start(r) of a sum, and Score(sum, r, keys, vector) of the finished.
// Rows that see nothing of a block keep what its scores hold; softmax hides it.
template <typename Queries>
[[gnu::noinline]] void ScorePartition(const Queries& queries, const AttentionTile& tile, int64_t partition,
                                      float* scores) {
  const int64_t start = partition * kAttentionPartition;
  for (int64_t token = 0; token < kAttentionPartition; token += kKvBlockTokens) {
    const Rows rows = RowsSeeing(tile, start + token, start + token + kKvBlockTokens);
    if (rows.begin >= rows.end) continue;
    const std::byte* keys = KeysOf(tile, (start + token) / kKvBlockTokens);
    for (int r = rows.begin; r < rows.end; r += kRowTile) {
      WithRows<kRowTile>(rows.end - r, [&](auto count) {
        ScoreBlock<decltype(count)::value>(queries, tile, r, keys, scores + r * kScoreStride + token);
      });
    }
  }
}

// Memory would idle during a row's softmax: the next 4 KiB of V come meanwhile, into L2, which waits for more lines at once
// than L1 can. What the row does not see of V is not worth a test.
inline void FetchValues(const AttentionTile& tile, int64_t partition, int row) {
  constexpr int64_t kFetched = 4096;
  const int64_t first = std::max<int64_t>(tile.visible_begin[0], partition * kAttentionPartition) / kKvBlockTokens;
  const int64_t begin = row * kFetched;
  for (int64_t at = begin; at < std::min(begin + kFetched, tile.values_offset); at += 64) {
    __builtin_prefetch(ValuesOf(tile, first) + at, 0, 2);
  }
}

// Sums of kRows rows in dimensions [dim, dim + 16 kVectors), over whole steps of tokens.
template <int kRows, int kVectors, typename Lanes, typename Weighted>
void AddDims(const Weighted& out, const AttentionTile& tile, int64_t partition, Tokens tokens, int64_t dim,
             const Lanes& lanes) {
  using Kv = typename Weighted::Kv;
  const int64_t stride = WeightedStride(tile.head_dim);
  typename Kv::Sum acc[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) acc[r][v] = out.Start(out.weighted + r * stride + dim + 16 * v);
  }
  for (int64_t token = tokens.begin; token < tokens.end;) {
    const int64_t in_block = token % kKvBlockTokens;
    const int64_t count = std::min(kKvBlockTokens - in_block, tokens.end - token);
    const std::byte* values = ValuesOf(tile, (partition * kAttentionPartition + token) / kKvBlockTokens);
    Accumulate(DotBlock<Kv>{.a = out.weights + token,
                            .a_row = kScoreStride * int64_t{sizeof(float)} / int64_t{sizeof(typename Kv::Weight)},
                            .b = ElementsAt<Kv>(values) + in_block * tile.head_dim + dim * Kv::kStep,
                            .b_step = tile.head_dim * Kv::kStep,
                            .steps = count / Kv::kStep},
               lanes, acc);
    token += count;
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) Store(out.weighted + r * stride + dim + 16 * v, out.Sum(acc[r][v], r));
  }
}

// Dimensions from `dim` on, kVectors at a time or fewer, and what is left of a vector.
template <int kRows, int kVectors, typename Weighted>
void AddDimsFrom(int64_t dim, const Weighted& out, const AttentionTile& tile, int64_t partition, Tokens tokens) {
  using Kv = typename Weighted::Kv;
  for (; dim + 16 * kVectors <= tile.head_dim; dim += 16 * kVectors) {
    AddDims<kRows, kVectors>(out, tile, partition, tokens, dim, WholeLanes<Kv>());
  }
  if constexpr (kVectors > 1) {
    AddDimsFrom<kRows, kVectors / 2>(dim, out, tile, partition, tokens);
  } else if (dim < tile.head_dim) {
    AddDims<kRows, 1>(out, tile, partition, tokens, dim, SomeLanes<Kv>{tile.head_dim - dim});
  }
}

// Weighted: Kv, `weights` and `weighted` of its first row, Start(weighted) of a sum, and Sum(sum, row) of the finished.
template <typename Weighted>
void AddValues(int rows, const Weighted& out, const AttentionTile& tile, int64_t partition, Tokens tokens) {
  WithRows<kRowTile>(rows, [&](auto count) {
    constexpr int kRows = decltype(count)::value;
    AddDimsFrom<kRows, MostVectors(kRows)>(0, out, tile, partition, tokens);
  });
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
