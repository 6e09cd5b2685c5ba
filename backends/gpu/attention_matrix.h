// Device code: attention to bf16 on matrix units, of class invariant: partitions are those of the reference, the sums within
// them are not.
//
// A block walks the cache block by block. While its warps score keys, the values of the same tokens come into shared memory,
// and while they weigh values, the next keys. A warp has 16 or 32 query rows.
#pragma once

#include "backends/gpu/attention_warp.h"

namespace engine::gpu {

// The keys, or values, of a block of the cache, as they lie there: pairs by tokens, or by dimensions.
template <int kPairs, int kWords>
GPU_FN void CopyPart(const std::byte* part, uint32_t (&pairs)[kPairs][kWords]) {
  constexpr int kUnits = (kWords - kPadWords) / 4;  // of 16 bytes in a row
  constexpr int kRows = kMatrixThreads / kUnits;    // at a time
  static_assert(kMatrixThreads % kUnits == 0 && kPairs % kRows == 0);
  const int thread = Opaque(Tid());
  uint32_t* const to = &pairs[thread / kUnits][thread % kUnits * 4];
  part += thread * 16;
#pragma unroll
  for (int row = 0; row < kPairs; row += kRows) CpAsync16(to + row * kWords, part + row * kUnits * 16);
  CpAsyncCommit();
}

// The part has come, and all threads are through with what they did before.
GPU_FN void AwaitPart() {
  CpAsyncWait<0>();
  SyncBlock();
}

// Makes zeros of a block's values that are not finite, as what rows do not see may be anything, and a weight of 0 would not
// hide that. Bits of the tokens that had such values.
template <int kPairs, int kWords>
GPU_FN uint32_t ClearNotFinite(uint32_t (&values)[kPairs][kWords], uint32_t (&not_finite)[kMatrixThreads / 32]) {
  constexpr int kDims = kWords - kPadWords;
  constexpr uint32_t kExponent = 0x7f80;
  uint32_t found = 0;
  for (int i = Opaque(Tid()); i < kPairs * kDims; i += kMatrixThreads) {
    uint32_t& pair = values[i / kDims][i % kDims];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if ((pair >> 16 * half & kExponent) != kExponent) continue;
      pair &= half == 0 ? 0xffff0000u : 0x0000ffffu;
      found |= 1u << (i / kDims * 2 + half);
    }
  }
#pragma unroll
  for (int mask = 16; mask > 0; mask /= 2) found |= ShflXor(found, mask);
  if (Tid() % 32 == 0) not_finite[Tid() / 32] = found;
  SyncBlock();
#pragma unroll
  for (const uint32_t other : not_finite) found |= other;
  return found;
}

template <int kDim>
GPU_FN void AttendByMatrix(const AttentionArgs& args) {
  GPU_SHARED(MatrixAttentionShared<kDim>, shared);
  const AttentionTileOf<kMatrixRows> tile(args);
  if (tile.rows <= 0) return;
  int start = tile.Begin(args, 0), end = tile.End(tile.rows - 1);
  if (args.IsSplit()) {
    const int partition = BidZ() * kPartitionTokens;
    if (start < partition) start = partition;
    if (end > partition + kPartitionTokens) end = partition + kPartitionTokens;
    if (start >= end) return;
  }
  if (Tid() == 0) shared.all_begin = tile.Begin(args, tile.rows - 1);
  if (Tid() == 0) shared.all_end = tile.End(0);
  if (Tid() < kMatrixRows) shared.totals[Tid()].Clear();
  start -= start % kKvBlockTokens;
  const std::byte* keys = tile.KeysOf(args, start);
  CopyPart(keys, shared.keys);
  WarpAttention<kDim> warp(args, tile);
  const int first = WarpId() * kWarpRows;
  const int last = (first + kWarpRows < tile.rows ? first + kWarpRows : tile.rows) - 1;
  const int any_end = first < tile.rows ? tile.End(last) : 0;  // behind what any row of the warp sees
  while (start < end) {
    int partition_end = start - start % kPartitionTokens + kPartitionTokens;
    if (partition_end > end) partition_end = end;
    warp.BeginPartition();
    for (; start < partition_end; start += kKvBlockTokens) {
      const int next = start + kKvBlockTokens;
      AwaitPart();
      CopyPart(keys + kSpanBlocks * args.part_bytes, shared.values);
      const bool all_see = start >= shared.all_begin && next <= shared.all_end;
      if (start < any_end) {
        warp.Score(shared.keys);
        if (!all_see) warp.HideScores(start);
        warp.Softmax();
      }
      AwaitPart();
      if (next < end) {
        keys = tile.KeysOf(args, next);
        CopyPart(keys, shared.keys);
      }
      if (!all_see) {
        const uint32_t spoilt = ClearNotFinite(shared.values, shared.not_finite);
        if (spoilt != 0) warp.Spoil(start, spoilt);
      }
      if (start < any_end) warp.Weigh(shared.values, shared.crossing[WarpId()]);
    }
    if (any_end > 0) warp.EndPartition((start - 1) / kPartitionTokens * kPartitionTokens, shared.totals);
  }
}

}  // namespace engine::gpu
