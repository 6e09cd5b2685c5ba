// Device code: weighted sums of the values of a partition, a dimension per thread.
#pragma once

#include "backends/gpu/attention_tile.h"
#include "backends/gpu/pair_chain.h"
#include "core/base/dtype.h"

namespace engine::gpu {

// Words of a dimension's values that are loaded at a time: those of one block of f32, two of bf16, four of int8.
inline constexpr int kValueWords = 32;

// Some blocks of a partition, whose values of the thread's dimension are loaded together.
template <DType kCache>
struct ValueRun {
  static constexpr int kStep = static_cast<int>(KvStep(kCache));
  static constexpr int kBlockWords = static_cast<int>(kKvBlockTokens) / kStep;
  static constexpr int kTokens = kValueWords * kStep;

  int first;  // token of the partition
  uint32_t words[kValueWords];

  // The first that has a token from `begin` on.
  GPU_FN static ValueRun First(int begin) { return {begin > 0 ? begin / kTokens * kTokens : 0, {}}; }

  // The dimension's first word of the block that holds `position`; the others follow head_dim words apart.
  GPU_FN static const std::byte* Words(const AttentionArgs& args, const AttentionTile& tile, int dim, int position) {
    return tile.KeysOf(args, position) + kSpanBlocks * args.part_bytes + dim * 4;
  }

  // Of blocks with a position in [begin, end), counted from the partition's start; else zeros.
  GPU_FN void Load(const AttentionArgs& args, const AttentionTile& tile, int dim, int start, int begin, int end) {
#pragma unroll
    for (int block = 0; block < kValueWords / kBlockWords; ++block) {
      const int token = first + block * static_cast<int>(kKvBlockTokens);
      const bool visible = token + kKvBlockTokens > begin && token < end;
      const std::byte* const values = visible ? Words(args, tile, dim, start + token) : nullptr;
#pragma unroll
      for (int i = 0; i < kBlockWords; ++i) {
        words[block * kBlockWords + i] = visible ? LoadVec<4>(values + i * args.head_dim * 4).words[0] : 0;
      }
    }
  }
};

// A row that sees tokens [begin, end) of the run. What a hidden half of a visible pair holds may be anything: it enters as 0,
// as its weight does. A plain chain cannot tell a hidden pair, whose weights are 0, from none.
GPU_FN float WeighBf16(const AttentionArgs& args, const AttentionTile& tile, const ValueRun<DType::kBF16>& run, int dim,
                       int start, int begin, int end, const float* weights, float acc) {
  float sum = acc;
  if (PlainChain<kValueWords, true>(weights, run.words, sum)) return sum;
  const int first = begin > 0 ? begin / 2 * 2 : 0;
  const int last = end < run.kTokens ? end : run.kTokens;
#pragma unroll 1
  for (int t = first; t < last; t += 2) {
    const int position = start + run.first + t;
    const int offset = static_cast<int>(position % kKvBlockTokens) / 2 * args.head_dim * 4;
    const uint32_t word = LoadVec<4>(run.Words(args, tile, dim, position) + offset).words[0];
    acc = PairStep(weights + t, t >= begin ? LowBf16(word) : 0.0f, t + 1 < end ? HighBf16(word) : 0.0f, acc);
  }
  return acc;
}

GPU_FN float WeighF32(const ValueRun<DType::kF32>& run, int begin, int end, const float* weights, float acc) {
#pragma unroll
  for (int t = 0; t < run.kTokens; ++t) {
    if (t >= begin && t < end) acc = Fma(weights[t], BitsToFloat(run.words[t]), acc);
  }
  return acc;
}

// Counts go up to 255: as counts - 128 they are int8, and 128 times the sum of the values makes up for it.
GPU_FN int WeighInt8(const ValueRun<DType::kI8>& run, const uint32_t* counts, int acc) {
  int sum = 0;
#pragma unroll
  for (int i = 0; i < kValueWords; ++i) {
    sum = Dot4(0x01010101, run.words[i], sum);
    acc = Dot4(counts[i] ^ 0x80808080, run.words[i], acc);
  }
  return acc + 128 * sum;
}

// Sums over positions [begin, end) of the partition that starts at `start`. The first of its runs that has any is `run`.
template <DType kCache>
GPU_FN void WeighPartition(const AttentionArgs& args, const AttentionTile& tile, const ThreadOutputs& out, int start,
                           int begin, int end, const AttentionShared& shared, ValueRun<kCache>& run, float* sums) {
  float acc[kAttentionRows] = {};
  int counts[kAttentionRows] = {};
  const int last = end - start < kPartitionTokens ? end - start : kPartitionTokens;
#pragma unroll 1
  while (run.first < last && out.set < out.sets) {
    const int run_start = start + run.first;
#pragma unroll
    for (int i = 0; i < kAttentionRows; ++i) {
      const int r = out.Row(i);
      if (r >= tile.rows) continue;
      const int row_begin = shared.begin[r] - run_start, row_end = shared.end[r] - run_start;
      const float* const weights = &shared.weights[r][run.first];
      if constexpr (kCache == DType::kI8) {
        counts[i] = WeighInt8(run, &shared.count_words[r][run.first / 4], counts[i]);
      } else if (row_begin >= run.kTokens || row_end <= 0) {
        continue;
      } else if constexpr (kCache == DType::kBF16) {
        acc[i] = WeighBf16(args, tile, run, out.dim, start, row_begin, row_end, weights, acc[i]);
      } else {
        acc[i] = WeighF32(run, row_begin, row_end, weights, acc[i]);
      }
    }
    run.first += run.kTokens;
    if (run.first < last) run.Load(args, tile, out.dim, start, begin - start, end - start);
  }
#pragma unroll
  for (int i = 0; i < kAttentionRows; ++i) {
    const int r = out.Row(i);
    if (r >= tile.rows) continue;
    sums[i] = kCache == DType::kI8 ? static_cast<float>(counts[i]) * shared.unit[r] : acc[i] + 0.0f;
  }
}

}  // namespace engine::gpu
