// Device code: queries in shared memory, and their products with the keys of a partition, a token per thread.
#pragma once

#include "backends/gpu/attention_tile.h"
#include "backends/gpu/pair_chain.h"
#include "backends/gpu/store_row.h"
#include "core/base/dtype.h"
#include "core/base/round_up.h"

namespace engine::gpu {

// Words of a token's keys that are loaded at a time.
inline constexpr int kKeyWords = 32;

// One row of 32 lanes: numerics rule 4 with the head as the group. Every lane of the block calls it.
GPU_FN void QuantiseQuery(const AttentionArgs& args, const float* x, bool exists, int row, AttentionShared& shared) {
  const int lane = Tid() % 32;
  uint32_t largest = 0;
  for (int i = lane; i < args.head_dim && exists; i += 32) {
    const uint32_t bits = MagnitudeBits(x[i]);
    largest = bits > largest ? bits : largest;
  }
  const float scale = Int8Scale(GroupMax<32>(largest));
  if (!exists) return;
  auto* const words = reinterpret_cast<int8_t*>(shared.query_words[row]);
  for (int i = lane; i < args.head_dim; i += 32) words[i] = QuantisedInt8(x[i], scale);
  if (lane == 0) shared.query_scale[row] = scale * args.scale;
}

template <DType kCache>
GPU_FN float WidenQuery(const std::byte* q, int64_t i) {
  if constexpr (kCache == DType::kBF16) return WidenBf16(reinterpret_cast<const uint16_t*>(q)[i]);
  return reinterpret_cast<const float*>(q)[i];
}

// Queries, and what their rows see.
template <DType kCache>
GPU_FN void LoadQueries(const AttentionArgs& args, const AttentionTile& tile, AttentionShared& shared) {
  if (Tid() < tile.rows) {
    shared.begin[Tid()] = tile.Begin(args, Tid());
    shared.end[Tid()] = tile.End(Tid());
    shared.totals[Tid()].Clear();
    if (kCache != DType::kI8) shared.query_scale[Tid()] = args.scale;
  }
  if constexpr (kCache == DType::kI8) {
    const int row = Tid() / 32;
    const bool exists = row < tile.rows;
    const auto* const q = reinterpret_cast<const float*>(args.q) + (exists ? tile.Offset(args, row) : 0);
    QuantiseQuery(args, q, exists, row, shared);
  } else {
    // Zeros up to whole steps of the keys' words.
    const int columns = RoundUp(args.head_dim, kKeyWords * 2);
#pragma unroll 1
    for (int at = Tid(); at < tile.rows * columns; at += kAttentionThreads) {
      const int r = at / columns, i = at % columns;
      shared.queries[r][i] = i < args.head_dim ? WidenQuery<kCache>(args.q, tile.Offset(args, r) + i) : 0.0f;
    }
  }
}

// Keys of one token: words that lie 32 tokens apart, each a step of the reduction (ops/kv_layout.h).
struct TokenKeys {
  const std::byte* first;

  GPU_FN uint32_t Word(int i) const { return LoadVec<4>(first + i * kKvBlockTokens * 4).words[0]; }
};

// The score of row r so far with the products of words [first, first + kKeyWords) of `count`; those beyond are 0.
template <DType kCache>
GPU_FN float AddKeys(const TokenKeys& keys, const uint32_t* words, int first, int count, const AttentionShared& shared,
                     int r, float acc) {
  if constexpr (kCache == DType::kBF16) {
    float sum = acc;
    if (PlainChain<kKeyWords, true>(&shared.queries[r][2 * first], words, sum)) return sum;
#pragma unroll 1
    for (int i = first; i < count && i < first + kKeyWords; ++i) {
      const uint32_t word = keys.Word(i);
      acc = PairStep(&shared.queries[r][2 * i], LowBf16(word), HighBf16(word), acc);
    }
  } else if constexpr (kCache == DType::kF32) {
#pragma unroll
    for (int i = 0; i < kKeyWords; ++i) {
      if (first + i < count) acc = Fma(shared.queries[r][first + i], BitsToFloat(words[i]), acc);
    }
  } else {
    int dot = 0;
#pragma unroll
    for (int i = 0; i < kKeyWords; ++i) {
      if (first + i < count) dot = Dot4(shared.query_words[r][first + i], words[i], dot);
    }
    acc += static_cast<float>(dot);  // exact: 256 products make less than 2^24
  }
  return acc;
}

// shared.weights of the rows at the partition's tokens [begin, end), counted from `start`. Until the last words they are
// the sums so far.
template <DType kCache>
GPU_FN void ScorePartition(const AttentionArgs& args, const AttentionTile& tile, int start, int begin, int end,
                           AttentionShared& shared) {
  const int position = start + Tid();
  if (position < begin || position >= end) return;
  const int token = position % kKvBlockTokens;
  const std::byte* const part = tile.KeysOf(args, position);
  const TokenKeys keys{part + token * 4};
  float key_scale = 1.0f;
  if (kCache == DType::kI8) key_scale = reinterpret_cast<const float*>(part + kKvBlockTokens * args.head_dim)[token];
  const int count = args.head_dim / KvStep(kCache);
  for (int first = 0; first < count; first += kKeyWords) {
    uint32_t words[kKeyWords];
#pragma unroll
    for (int i = 0; i < kKeyWords; ++i) words[i] = first + i < count ? keys.Word(first + i) : 0;
    const bool last = first + kKeyWords >= count;
#pragma unroll 1
    for (int r = 0; r < tile.rows; ++r) {
      float acc = AddKeys<kCache>(keys, words, first, count, shared, r, first == 0 ? 0.0f : shared.weights[r][Tid()]);
      if (kCache == DType::kI8 && last) acc *= key_scale;
      shared.weights[r][Tid()] = last ? acc * shared.query_scale[r] : acc;
    }
  }
}

}  // namespace engine::gpu
