// out[t, h] = softmax(scale * q[t, h] K^T) V over a paged cache.
// A block: eight query rows (tokens and heads of one KV head), and one partition of 256 tokens, or all of them in turn.
// A thread: one token of the scores, eight of a row's softmax, one dimension of up to eight rows' outputs.
#include "backends/gpu/attention_matrix.h"
#include "backends/gpu/attention_scores.h"
#include "backends/gpu/attention_softmax.h"
#include "backends/gpu/attention_values.h"
#include "backends/gpu/paged_attention.h"

namespace engine::gpu {

// Leaves row r's sums of one partition for the merge, or adds them to the outputs.
GPU_FN void MergePartition(const AttentionArgs& args, const AttentionTile& tile, const ThreadOutputs& out, int start,
                           const float* sums, AttentionShared& shared) {
#pragma unroll
  for (int i = 0; i < kAttentionRows; ++i) {
    const int r = out.Row(i);
    if (r >= tile.rows || shared.begin[r] >= start + kPartitionTokens || shared.end[r] <= start) continue;
    if (args.IsSplit()) {
      tile.Partial(args, start / kPartitionTokens, r)[2 + out.dim] = sums[i];
    } else {
      float& output = shared.outputs[r][out.dim];
      output = Fma(sums[i], shared.factors[r].take, output * shared.factors[r].keep);
    }
  }
}

template <DType kCache>
GPU_FN void Attend(const AttentionArgs& args) {
  GPU_SHARED(AttentionShared, shared);
  const AttentionTile tile(args);
  if (tile.rows <= 0) return;
  const int begin = tile.Begin(args, 0), end = tile.End(tile.rows - 1);
  const bool split = args.IsSplit();
  const int first = split ? BidZ() : begin / kPartitionTokens;
  const int last = split ? BidZ() : (end - 1) / kPartitionTokens;
  if (first < begin / kPartitionTokens || last > (end - 1) / kPartitionTokens) return;
  FetchPartition(args, tile, first * kPartitionTokens, begin, end);
  LoadQueries<kCache>(args, tile, shared);
  SyncBlock();
  const ThreadOutputs out(args.head_dim);
  for (int i = 0; out.Row(i) < tile.rows; ++i) shared.outputs[out.Row(i)][out.dim] = 0.0f;
  for (int start = first * kPartitionTokens; start <= last * kPartitionTokens; start += kPartitionTokens) {
    if (start < last * kPartitionTokens) FetchPartition(args, tile, start + kPartitionTokens, begin, end);
    ScorePartition<kCache>(args, tile, start, begin, end, shared);
    ValueRun<kCache> run = ValueRun<kCache>::First(begin - start);
    if (out.set < out.sets) run.Load(args, tile, out.dim, start, begin - start, end - start);
    SyncBlock();
    SoftmaxRow<kCache>(args, tile, start, shared);
    SyncBlock();
    float sums[kAttentionRows];
    WeighPartition<kCache>(args, tile, out, start, begin, end, shared, run, sums);
    MergePartition(args, tile, out, start, sums, shared);
    SyncBlock();  // the next partition's scores take the place of these weights
  }
  if (split) return;
  for (int i = 0; out.Row(i) < tile.rows; ++i) {
    const int r = out.Row(i);
    args.out[tile.Offset(args, r) + out.dim] = shared.outputs[r][out.dim] / shared.totals[r].sum;
  }
}

GPU_KERNEL(paged_attention_f32, AttentionArgs, kAttentionThreads, 2) { Attend<DType::kF32>(args); }
GPU_KERNEL(paged_attention_bf16, AttentionArgs, kAttentionThreads, 2) { Attend<DType::kBF16>(args); }
GPU_KERNEL(paged_attention_int8, AttentionArgs, kAttentionThreads, 2) { Attend<DType::kI8>(args); }

GPU_KERNEL(paged_attention_matrix_64, AttentionArgs, kMatrixThreads, 4) { AttendByMatrix<64>(args); }
GPU_KERNEL(paged_attention_matrix_128, AttentionArgs, kMatrixThreads, 3) { AttendByMatrix<128>(args); }

// Partials that are loaded together.
constexpr int kMergeAhead = 4;

// Of row r and the thread's dimension.
GPU_FN float MergedOutput(const AttentionArgs& args, const AttentionTile& tile, int r, int dim) {
  RowTotals totals;
  totals.Clear();
  float value = 0.0f;
  const int end = (tile.End(r) + kPartitionTokens - 1) / kPartitionTokens;
  for (int first = tile.Begin(args, r) / kPartitionTokens; first < end; first += kMergeAhead) {
    float maxima[kMergeAhead], sums[kMergeAhead], values[kMergeAhead];
#pragma unroll
    for (int i = 0; i < kMergeAhead; ++i) {
      if (first + i >= end) continue;
      const float* const partial = tile.Partial(args, first + i, r);
      maxima[i] = partial[0];
      sums[i] = partial[1];
      values[i] = partial[2 + dim];
    }
#pragma unroll
    for (int i = 0; i < kMergeAhead; ++i) {
      if (first + i >= end) continue;
      const MergeFactors factors = totals.Merge(maxima[i], sums[i]);
      value = Fma(values[i], factors.take, value * factors.keep);
    }
  }
  return value / totals.sum;
}

// A block: eight query rows. A thread: one dimension of up to eight of them, over all partitions.
GPU_KERNEL(merge_partitions, AttentionArgs, kAttentionThreads) {
  const AttentionTile tile(args);
  const ThreadOutputs out(args.head_dim);
  for (int i = 0; out.Row(i) < tile.rows; ++i) {
    const int r = out.Row(i);
    args.out[tile.Offset(args, r) + out.dim] = MergedOutput(args, tile, r, out.dim);
  }
}

}  // namespace engine::gpu
