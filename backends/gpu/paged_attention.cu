// out[t, h] = softmax(scale * q[t, h] K^T) V over a paged cache.
// A block: eight query rows (tokens and heads of one KV head), and one partition of 256 tokens, or all of them in turn.
// A thread: one token of the scores, eight of a row's softmax, one dimension of up to eight rows' outputs.
#include "backends/gpu/attention_scores.h"
#include "backends/gpu/attention_softmax.h"
#include "backends/gpu/attention_values.h"
#include "backends/gpu/paged_attention.h"

namespace engine::gpu {

GPU_FN bool SeesPartition(const AttentionShared& shared, int r, int start) {
  return shared.begin[r] < start + kPartitionTokens && shared.end[r] > start;
}

GPU_FN void StoreOutputs(const AttentionArgs& args, const AttentionTile& tile, const ThreadOutputs& out,
                         const RunningSum* running) {
#pragma unroll
  for (int i = 0; i < kAttentionRows; ++i) {
    const int r = out.Row(i);
    if (r < tile.rows) args.out[tile.Offset(args, r) + out.dim] = running[i].value / running[i].sum;
  }
}

GPU_FN void StorePartial(float* partial, int dim, const AttentionShared& shared, int r, float sum) {
  if (dim == 0) {
    partial[0] = shared.maximum[r];
    partial[1] = shared.sum[r];
  }
  partial[2 + dim] = sum;
}

template <DType kCache>
GPU_FN void Attend(const AttentionArgs& args) {
  GPU_SHARED(AttentionShared, shared);
  const AttentionTile tile(args);
  if (tile.rows <= 0) return;
  const int begin = tile.Begin(args, 0), end = tile.End(tile.rows - 1);
  const bool split = args.partials != nullptr;
  const int first = split ? BidZ() : begin / kPartitionTokens;
  const int last = split ? BidZ() : (end - 1) / kPartitionTokens;
  if (first < begin / kPartitionTokens || last > (end - 1) / kPartitionTokens) return;
  LoadQueries<kCache>(args, tile, shared);
  SyncBlock();
  const ThreadOutputs out(args.head_dim);
  RunningSum running[kAttentionRows];
  for (RunningSum& sum : running) sum.Clear();
  for (int partition = first; partition <= last; ++partition) {
    const int start = partition * kPartitionTokens;
    ScorePartition<kCache>(args, tile, start, begin, end, shared);
    SyncBlock();
    SoftmaxRow<kCache>(args, tile, start, shared);
    SyncBlock();
    float sums[kAttentionRows];
    WeighPartition<kCache>(args, tile, out, start, begin, end, shared, sums);
#pragma unroll
    for (int i = 0; i < kAttentionRows; ++i) {
      const int r = out.Row(i);
      if (r >= tile.rows || !SeesPartition(shared, r, start)) continue;
      if (split) {
        StorePartial(tile.Partial(args, partition, r), out.dim, shared, r, sums[i]);
      } else {
        running[i].Merge(shared.maximum[r], shared.sum[r], sums[i]);
      }
    }
    SyncBlock();  // the next partition's scores take the place of these weights
  }
  if (!split) StoreOutputs(args, tile, out, running);
}

GPU_KERNEL(paged_attention_f32, AttentionArgs, kAttentionThreads) { Attend<DType::kF32>(args); }
GPU_KERNEL(paged_attention_bf16, AttentionArgs, kAttentionThreads) { Attend<DType::kBF16>(args); }
GPU_KERNEL(paged_attention_int8, AttentionArgs, kAttentionThreads) { Attend<DType::kI8>(args); }

// A block: eight query rows. A thread: one dimension of up to eight of them, over all partitions.
GPU_KERNEL(merge_partitions, AttentionArgs, kAttentionThreads) {
  const AttentionTile tile(args);
  const ThreadOutputs out(args.head_dim);
  RunningSum running[kAttentionRows];
#pragma unroll
  for (int i = 0; i < kAttentionRows; ++i) {
    const int r = out.Row(i);
    if (r >= tile.rows) continue;
    running[i].Clear();
    const int end = (tile.End(r) + kPartitionTokens - 1) / kPartitionTokens;
    for (int partition = tile.Begin(args, r) / kPartitionTokens; partition < end; ++partition) {
      const float* const partial = tile.Partial(args, partition, r);
      running[i].Merge(partial[0], partial[1], partial[2 + out.dim]);
    }
  }
  StoreOutputs(args, tile, out, running);
}

}  // namespace engine::gpu
