// Device code: queries in shared memory, and their products with the keys of a partition, a token per thread.
#pragma once

#include "backends/gpu/attention_tile.h"
#include "backends/gpu/pair_chain.h"
#include "backends/gpu/store_row.h"
#include "core/base/dtype.h"

namespace engine::gpu {

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
    for (int r = 0; r < tile.rows; ++r) {
      const int64_t offset = tile.Offset(args, r);
      for (int i = Tid(); i < args.head_dim; i += kAttentionThreads) {
        shared.queries[r][i] = WidenQuery<kCache>(args.q, offset + i);
      }
    }
  }
}

// Keys of one token: words that lie 32 tokens apart, each a step of the reduction (ops/kv_layout.h).
struct TokenKeys {
  const std::byte* first;

  GPU_FN uint32_t Word(int i) const { return LoadVec<4>(first + i * kKvBlockTokens * 4).words[0]; }
};

GPU_FN void ScoresBf16(const TokenKeys& keys, int head_dim, int rows, const AttentionShared& shared, float* acc) {
  for (int i = 0; i < head_dim; i += 4) {
    const int count = head_dim - i < 4 ? head_dim - i : 4;
    float k[4];
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const uint32_t word = 2 * j < count ? keys.Word(i / 2 + j) : 0;
      k[2 * j] = WidenBf16(word & 0xffff);
      k[2 * j + 1] = WidenBf16(word >> 16);
    }
#pragma unroll
    for (int r = 0; r < kAttentionRows; ++r) {
      if (r < rows) acc[r] = PairChain<4>(&shared.queries[r][i], k, count, acc[r]);
    }
  }
}

GPU_FN void ScoresF32(const TokenKeys& keys, int head_dim, int rows, const AttentionShared& shared, float* acc) {
  for (int i = 0; i < head_dim; ++i) {
    const float k = BitsToFloat(keys.Word(i));
#pragma unroll
    for (int r = 0; r < kAttentionRows; ++r) {
      if (r < rows) acc[r] = Fma(shared.queries[r][i], k, acc[r]);
    }
  }
}

GPU_FN void ScoresInt8(const TokenKeys& keys, float scale, int head_dim, int rows, const AttentionShared& shared,
                       float* acc) {
  int dots[kAttentionRows] = {};
  for (int i = 0; i < head_dim / 4; ++i) {
    const uint32_t k = keys.Word(i);
#pragma unroll
    for (int r = 0; r < kAttentionRows; ++r) {
      if (r < rows) dots[r] = Dot4(shared.query_words[r][i], k, dots[r]);
    }
  }
#pragma unroll
  for (int r = 0; r < kAttentionRows; ++r) acc[r] = static_cast<float>(dots[r]) * scale;
}

// shared.weights of the rows at the partition's tokens [begin, end), counted from `start`.
template <DType kCache>
GPU_FN void ScorePartition(const AttentionArgs& args, const AttentionTile& tile, int start, int begin, int end,
                           AttentionShared& shared) {
  const int position = start + Tid();
  if (position < begin || position >= end) return;
  const int token = position % kKvBlockTokens;
  const std::byte* const part = tile.KeysOf(args, position);
  const TokenKeys keys{part + token * 4};
  float acc[kAttentionRows] = {};
  if constexpr (kCache == DType::kBF16) ScoresBf16(keys, args.head_dim, tile.rows, shared, acc);
  if constexpr (kCache == DType::kF32) ScoresF32(keys, args.head_dim, tile.rows, shared, acc);
  if constexpr (kCache == DType::kI8) {
    const auto* const scales = reinterpret_cast<const float*>(part + kKvBlockTokens * args.head_dim);
    ScoresInt8(keys, scales[token], args.head_dim, tile.rows, shared, acc);
  }
#pragma unroll
  for (int r = 0; r < kAttentionRows; ++r) {
    if (r < tile.rows) shared.weights[r][Tid()] = acc[r] * shared.query_scale[r];
  }
}

}  // namespace engine::gpu
