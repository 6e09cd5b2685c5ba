// Device code: what a warp does of attention on matrix units, with queries, scores and outputs in registers.
//
// Of a partition it has running sums, which shrink when a block of the cache brings a larger score; partitions are merged as
// those of the exact kernel are. A row's bits follow from what it sees and from absolute positions: a block of which it sees
// nothing, where others of its warp see some, leaves its sums as they are. That takes from matrix units that rows do not mix,
// and that products with a weight of 0 change no sum.
#pragma once

#include "backends/gpu/attention_tile.h"
#include "backends/gpu/port/collectives.h"
#include "core/base/bf16.h"
#include "core/base/math.h"

namespace engine::gpu {

// What a warp has of the tile.
inline constexpr int kRowSteps = kMatrixRows / 16 / (kMatrixThreads / kWarp);
inline constexpr int kWarpRows = kRowSteps * 16;
inline constexpr int kBlockSteps = kKvBlockTokens / 16;  // of 16 tokens

// Step `step` of 16 of the reduction index, of columns [first, first + 16): a row of `pairs` has a pair of that index.
template <int kRows, int kWords>
GPU_FN MatrixOperand PairsOperand(const uint32_t (&pairs)[kRows][kWords], int first, int step) {
  // gfx11 has operands twice, so there is no room to ask for them ahead.
  if constexpr (MatrixLayout::kWords > 4) first = Opaque(first);
  MatrixOperand out;
#pragma unroll
  for (int i = 0; i < MatrixLayout::kWords; ++i) {
    out.words[i] = pairs[step * 8 + MatrixLayout::Byte(LaneId(), i) / 4][first + MatrixLayout::Row(LaneId(), i)];
  }
  return out;
}

// 16 tokens of a warp's weights, which lie as sums do.
template <typename Layout = MatrixLayout>
GPU_FN MatrixOperand WeightsOperand(const MatrixSums<float>& weights, uint16_t (&crossing)[16][kCrossingWidth]) {
  MatrixOperand out;
  if constexpr (Layout::kSumsLieAsOperand) {
#pragma unroll
    for (int i = 0; i < MatrixLayout::kWords; ++i) {
      const int value = Layout::FirstValue(i);
      out.words[i] = Bf16Pair(weights.values[value], weights.values[value + 1]);
    }
  } else {
    SyncWarp();  // the last weights have been read
#pragma unroll
    for (int i = 0; i < MatrixLayout::kValues; ++i) {
      crossing[MatrixLayout::SumRow(LaneId(), i)][MatrixLayout::SumColumn(LaneId(), i)] = F32ToBf16(weights.values[i]);
    }
    SyncWarp();
#pragma unroll
    for (int i = 0; i < MatrixLayout::kWords; ++i) {
      const uint16_t* const row = crossing[MatrixLayout::Row(LaneId(), i)];
      out.words[i] = LoadVec<4>(row + MatrixLayout::Byte(LaneId(), i) / 2).words[0];
    }
  }
  return out;
}

GPU_FN uint32_t BitsBelow(int end) { return end <= 0 ? 0u : end >= 32 ? ~0u : (1u << end) - 1; }

// kWarpRows rows of the tile, of a warp.
template <int kDim>
struct WarpAttention {
  const AttentionArgs& args;
  const AttentionTileOf<kMatrixRows> tile;
  MatrixOperand queries[kRowSteps][kDim / 16];
  MatrixSums<float> scores[kRowSteps][kBlockSteps];  // of the latest block, then its weights
  // Of the partition so far.
  MatrixSums<float> out[kRowSteps][kDim / 16];
  float maximum[kRowSteps][MatrixLayout::kSumRows];  // of scores
  float total[kRowSteps][MatrixLayout::kSumRows];    // of weights: the lane's part

  GPU_FN WarpAttention(const AttentionArgs& kernel_args, const AttentionTileOf<kMatrixRows>& block)
      : args(kernel_args), tile(block) {}

  // Of the rows.
  GPU_FN static int First() { return Opaque(Tid()) / kWarp * kWarpRows; }

  // The row of a lane's values that are `index` of kSumRows. It, and what follows from it, is found anew each time: in
  // registers it would be in the way of the sums.
  GPU_FN int Row(int lane, int m, int index) const {
    return First() + m * 16 + MatrixLayout::SumRow(lane, MatrixLayout::FirstOfRow(index));
  }

  template <int kPairs, int kWords>
  GPU_FN void Score(const uint32_t (&keys)[kPairs][kWords]) {
#pragma unroll
    for (int n = 0; n < kBlockSteps; ++n) {
#pragma unroll
      for (int m = 0; m < kRowSteps; ++m) scores[m][n] = {};
    }
#pragma unroll
    for (int step = 0; step < kDim / 16; ++step) {
#pragma unroll
      for (int n = 0; n < kBlockSteps; ++n) {
        const MatrixOperand k = PairsOperand(keys, n * 16, step);
#pragma unroll
        for (int m = 0; m < kRowSteps; ++m) MultiplyBf16(queries[m][step], k, scores[m][n]);
      }
    }
  }

  // Takes away the scores of tokens that a row does not see; the block starts at `start`.
  GPU_FN void HideScores(int start) {
    const int lane = Opaque(LaneId());
#pragma unroll
    for (int m = 0; m < kRowSteps; ++m) {
#pragma unroll
      for (int index = 0; index < MatrixLayout::kSumRows; ++index) {
        const int r = Row(lane, m, index);
        const int begin = tile.Begin(args, r) - start, end = tile.End(r) - start;
#pragma unroll
        for (int n = 0; n < kBlockSteps; ++n) {
#pragma unroll
          for (int i = 0; i < MatrixLayout::kValues; ++i) {
            const int token = n * 16 + MatrixLayout::SumColumn(lane, i);
            if (MatrixLayout::RowIndex(i) != index || (token >= begin && token < end)) continue;
            scores[m][n].values[i] = -std::numeric_limits<float>::infinity();
          }
        }
      }
    }
  }

  // Makes weights of the scores, and outputs relative to the rows' new largest ones. Where none is new, as in blocks of
  // which a row sees nothing, what there is so far stays as it is.
  GPU_FN void Softmax() {
    const float scale = args.scale * kLog2E;
#pragma unroll
    for (int m = 0; m < kRowSteps; ++m) {
#pragma unroll
      for (int index = 0; index < MatrixLayout::kSumRows; ++index) {
        float largest = maximum[m][index];
        ForRow(index, scores[m], [&](float& score) { largest = Max(score, largest); });
        largest = GroupMax<MatrixLayout::kRowLanes>(largest);
        // Of rows that have seen nothing yet all weights are 0.
        const float base = largest > -std::numeric_limits<float>::infinity() ? largest * scale : 0.0f;
        const float keep = largest > maximum[m][index] ? FastExp2(Fma(maximum[m][index], scale, -base)) : 1.0f;
        float sum = 0.0f;
        ForRow(index, scores[m], [&](float& score) {
          score = FastExp2(Fma(score, scale, -base));
          sum += score;
        });
        maximum[m][index] = largest;
        total[m][index] = Fma(total[m][index], keep, sum);
        if (keep == 1.0f) continue;
        ForRow(index, out[m], [&](float& value) { value *= keep; });
      }
    }
  }

  template <int kPairs, int kWords>
  GPU_FN void Weigh(const uint32_t (&values)[kPairs][kWords], uint16_t (&crossing)[16][kCrossingWidth]) {
#pragma unroll
    for (int step = 0; step < kBlockSteps; ++step) {
      MatrixOperand weights[kRowSteps];
#pragma unroll
      for (int m = 0; m < kRowSteps; ++m) weights[m] = WeightsOperand(scores[m][step], crossing);
#pragma unroll
      for (int n = 0; n < kDim / 16; ++n) {
        const MatrixOperand v = PairsOperand(values, n * 16, step);
#pragma unroll
        for (int m = 0; m < kRowSteps; ++m) MultiplyBf16(weights[m], v, out[m][n]);
      }
    }
  }

  // Makes NaN of rows that see any of the tokens of a block whose bits are set, as their values would have done.
  GPU_FN void Spoil(int start, uint32_t tokens) {
    const int lane = Opaque(LaneId());
#pragma unroll
    for (int m = 0; m < kRowSteps; ++m) {
#pragma unroll
      for (int index = 0; index < MatrixLayout::kSumRows; ++index) {
        const int r = Row(lane, m, index);
        const uint32_t seen = BitsBelow(tile.End(r) - start) & ~BitsBelow(tile.Begin(args, r) - start);
        if ((tokens & seen) != 0) total[m][index] = std::numeric_limits<float>::quiet_NaN();
      }
    }
  }

  // Merges the partition that starts at `start` into outputs and totals of rows that see any of it. Where partitions are split
  // among blocks, leaves it for the merge.
  GPU_FN void EndPartition(int start, RowTotals (&totals)[kMatrixRows]) {
    const int lane = Opaque(LaneId());
    const bool is_split = Opaque(args.partitions) > 0;
    const AttentionTileOf<kMatrixRows> at = tile.Anew();
#pragma unroll
    for (int m = 0; m < kRowSteps; ++m) {
#pragma unroll
      for (int index = 0; index < MatrixLayout::kSumRows; ++index) {
        // An output that is not finite makes NaN of the sum.
        ForOutputs(lane, m, index, [&](int, float value) { total[m][index] = Fma(value, 0.0f, total[m][index]); });
        const float sum = GroupSum<MatrixLayout::kRowLanes>(total[m][index]);
        const int r = Row(lane, m, index);
        RowTotals row = totals[r];
        SyncWarp();  // all lanes of the row have it
        if (r >= at.rows || at.Begin(args, r) >= start + kPartitionTokens || at.End(r) <= start) continue;
        const bool is_first = row.sum == 0.0f;  // the largest score adds about 1
        const RowTotals own = {maximum[m][index] * args.scale, sum};
        MergeFactors factors = {.keep = 0.0f, .take = 1.0f};
        if (is_split) {
          row = own;
        } else {
          factors = row.Merge(own.maximum, own.sum);
        }
        // Outputs so far are where they will be in the end: registers have no room for them.
        float* to = args.out + at.Offset(args, r);
        if (is_split) to = at.Partial(args, start / kPartitionTokens, r) + 2;
        if (MatrixLayout::SumColumn(lane, 0) == 0) {
          totals[r] = row;
          if (is_split) to[-2] = row.maximum;
          if (is_split) to[-1] = row.sum;
        }
        MergeOutputs(to, lane, m, index, factors, is_first);
      }
    }
    if (!is_split) DivideOutputs(at, start, totals);
  }

  // Queries are loaded anew for each partition: its end needs registers.
  GPU_FN void BeginPartition() {
    const AttentionTileOf<kMatrixRows> at = tile.Anew();
#pragma unroll
    for (int m = 0; m < kRowSteps; ++m) {
#pragma unroll
      for (int i = 0; i < MatrixLayout::kWords; ++i) {
        // Beyond the last it is the last once more: its outputs go nowhere.
        const int r = First() + m * 16 + MatrixLayout::Row(LaneId(), i);
        const int64_t row = at.Offset(args, r < tile.rows ? r : tile.rows - 1) * 2;
        const std::byte* const words = args.q + row + MatrixLayout::Byte(LaneId(), i);
#pragma unroll
        for (int step = 0; step < kDim / 16; ++step) queries[m][step].words[i] = LoadVec<4>(words + step * 32).words[0];
      }
    }
#pragma unroll
    for (int m = 0; m < kRowSteps; ++m) {
#pragma unroll
      for (MatrixSums<float>& sums : out[m]) sums = {};
#pragma unroll
      for (float& value : maximum[m]) value = -std::numeric_limits<float>::infinity();
#pragma unroll
      for (float& value : total[m]) value = 0.0f;
    }
  }

  // Adds the partition's to a row's outputs so far, of which there are none the first time.
  GPU_FN void MergeOutputs(float* to, int lane, int m, int index, MergeFactors factors, bool is_first) const {
    const auto merge = [&](float value, float so_far) {
      return Fma(value + 0.0f, factors.take, so_far * factors.keep);
    };
    if (is_first) {
      ForOutputs(lane, m, index, [&](int dim, float value) { to[dim] = merge(value, 0.0f); });
    } else {
      ForOutputs(lane, m, index, [&](int dim, float value) { to[dim] = merge(value, to[dim]); });
    }
  }

  // Of rows whose last partition it is.
  GPU_FN void DivideOutputs(const AttentionTileOf<kMatrixRows>& at, int start,
                            const RowTotals (&totals)[kMatrixRows]) const {
    SyncWarp();  // all lanes have merged
    const int from = First(), lane = Opaque(LaneId());
#pragma unroll 1
    for (int r = from; r < from + kWarpRows && r < at.rows; ++r) {
      if (at.End(r) <= start || at.End(r) > start + kPartitionTokens) continue;
      float* const to = args.out + at.Offset(args, r);
#pragma unroll 1
      for (int dim = lane; dim < kDim; dim += kWarp) to[dim] /= totals[r].sum;
    }
  }

  // Calls body with each dimension that the lane has of a row, and its output.
  template <typename Body>
  GPU_FN void ForOutputs(int lane, int m, int index, const Body& body) const {
#pragma unroll
    for (int n = 0; n < kDim / 16; ++n) {
#pragma unroll
      for (int i = 0; i < MatrixLayout::kValues; ++i) {
        if (MatrixLayout::RowIndex(i) == index) body(n * 16 + MatrixLayout::SumColumn(lane, i), out[m][n].values[i]);
      }
    }
  }

  // Calls body with the lane's values of a row, of sums side by side.
  template <int kSteps, typename Body>
  GPU_FN static void ForRow(int index, MatrixSums<float> (&sums)[kSteps], const Body& body) {
#pragma unroll
    for (int n = 0; n < kSteps; ++n) {
#pragma unroll
      for (int i = 0; i < MatrixLayout::kValues; ++i) {
        if (MatrixLayout::RowIndex(i) == index) body(sums[n].values[i]);
      }
    }
  }
};

}  // namespace engine::gpu
