// Device code: weighted sums of the values of a partition, a dimension per thread.
#pragma once

#include "backends/gpu/attention_tile.h"
#include "backends/gpu/pair_chain.h"
#include "core/base/dtype.h"

namespace engine::gpu {

// Tokens whose values a thread holds at a time.
inline constexpr int kChainTokens = 4;

// What a hidden half of a visible pair holds may be anything: it enters as 0, as its weight does. The final + 0 of
// WeighPartition makes a skipped pair and one of zeros the same.
GPU_FN float ChainVisible(const float* weights, const float* v, int begin, int end, float acc) {
  if (begin <= 0 && end >= kChainTokens) return PairChain<kChainTokens>(weights, v, kChainTokens, acc);
  if (begin >= kChainTokens || end <= 0) return acc;
  float seen[kChainTokens];
#pragma unroll
  for (int j = 0; j < kChainTokens; ++j) seen[j] = j >= begin && j < end ? v[j] : 0.0f;
  return PairChain<kChainTokens>(weights, seen, kChainTokens, acc);
}

// `values` of the thread's dimension in a block whose first token is `token` of the partition that starts at `start`.
GPU_FN void WeighBf16(const std::byte* values, int head_dim, int start, int token, const ThreadOutputs& out, int rows,
                      const AttentionShared& shared, float* acc) {
  for (int t = 0; t < kKvBlockTokens; t += kChainTokens) {
    float v[kChainTokens];
#pragma unroll
    for (int j = 0; j < kChainTokens / 2; ++j) {
      const uint32_t word = LoadVec<4>(values + int64_t{t / 2 + j} * head_dim * 4).words[0];
      v[2 * j] = WidenBf16(word & 0xffff);
      v[2 * j + 1] = WidenBf16(word >> 16);
    }
#pragma unroll
    for (int i = 0; i < kAttentionRows; ++i) {
      const int r = out.Row(i);
      if (r >= rows) continue;
      const int at = token + t;
      acc[i] =
          ChainVisible(&shared.weights[r][at], v, shared.begin[r] - start - at, shared.end[r] - start - at, acc[i]);
    }
  }
}

GPU_FN void WeighF32(const std::byte* values, int head_dim, int start, int token, const ThreadOutputs& out, int rows,
                     const AttentionShared& shared, float* acc) {
  for (int t = 0; t < kKvBlockTokens; ++t) {
    const float v = BitsToFloat(LoadVec<4>(values + int64_t{t} * head_dim * 4).words[0]);
    const int position = start + token + t;
#pragma unroll
    for (int i = 0; i < kAttentionRows; ++i) {
      const int r = out.Row(i);
      if (r >= rows || position < shared.begin[r] || position >= shared.end[r]) continue;
      acc[i] = Fma(shared.weights[r][token + t], v, acc[i]);
    }
  }
}

// Counts go up to 255: as counts - 128 they are int8, and 128 times the sum of the values makes up for it.
GPU_FN void WeighInt8(const std::byte* values, int head_dim, int token, const ThreadOutputs& out, int rows,
                      const AttentionShared& shared, int* acc) {
  for (int t = 0; t < kKvBlockTokens; t += 4) {
    const uint32_t v = LoadVec<4>(values + int64_t{t / 4} * head_dim * 4).words[0];
    const int sum = Dot4(0x01010101, v, 0);
#pragma unroll
    for (int i = 0; i < kAttentionRows; ++i) {
      const int r = out.Row(i);
      if (r >= rows) continue;
      acc[i] = Dot4(shared.count_words[r][(token + t) / 4] ^ 0x80808080, v, acc[i] + 128 * sum);
    }
  }
}

// Sums over positions [begin, end) of the partition that starts at `start`.
template <DType kCache>
GPU_FN void WeighPartition(const AttentionArgs& args, const AttentionTile& tile, const ThreadOutputs& out, int start,
                           int begin, int end, const AttentionShared& shared, float* sums) {
  float acc[kAttentionRows] = {};
  int counts[kAttentionRows] = {};
  for (int token = 0; token < kPartitionTokens; token += kKvBlockTokens) {
    if (start + token + kKvBlockTokens <= begin || start + token >= end || out.set >= out.sets) continue;
    const std::byte* const values =
        tile.KeysOf(args, start + token) + kSpanBlocks * args.part_bytes + int64_t{out.dim} * 4;
    if constexpr (kCache == DType::kBF16) WeighBf16(values, args.head_dim, start, token, out, tile.rows, shared, acc);
    if constexpr (kCache == DType::kF32) WeighF32(values, args.head_dim, start, token, out, tile.rows, shared, acc);
    if constexpr (kCache == DType::kI8) WeighInt8(values, args.head_dim, token, out, tile.rows, shared, counts);
  }
#pragma unroll
  for (int i = 0; i < kAttentionRows; ++i) {
    const int r = out.Row(i);
    if (r >= tile.rows) continue;
    sums[i] = kCache == DType::kI8 ? static_cast<float>(counts[i]) * shared.unit[r] : acc[i] + 0.0f;
  }
}

}  // namespace engine::gpu
