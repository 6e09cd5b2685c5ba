// Device code: prefill attention of bf16 on matrix units, of class fast: partitions and sums are not those of the reference.
//
// A block walks the cache block by block. While its warps score keys, the values of the same tokens come into shared memory,
// and while they weigh values, the next keys. A warp has 16 or 32 query rows, and keeps these and their outputs in registers.
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

// The keys, or values, of a block of the cache, as they lie there: pairs by tokens, or by dimensions.
template <int kPairs, int kWords>
GPU_FN void CopyPart(const std::byte* part, uint32_t (&pairs)[kPairs][kWords]) {
  constexpr int kUnits = (kWords - kPadWords) / 4;  // of 16 bytes in a row
  constexpr int kRows = kMatrixThreads / kUnits;    // at a time
  static_assert(kMatrixThreads % kUnits == 0 && kPairs % kRows == 0);
  uint32_t* const to = &pairs[Tid() / kUnits][Tid() % kUnits * 4];
  part += Tid() * 16;
#pragma unroll
  for (int row = 0; row < kPairs; row += kRows) CpAsync16(to + row * kWords, part + row * kUnits * 16);
  CpAsyncCommit();
}

// The part has come, and all threads are through with what they did before.
GPU_FN void AwaitPart() {
  CpAsyncWait<0>();
  SyncBlock();
}

// Takes tokens outside [begin, end) out of a block's values, as they may be anything: a weight of 0 would not do.
template <int kPairs, int kWords>
GPU_FN void HideValues(int begin, int end, uint32_t (&values)[kPairs][kWords]) {
  constexpr int kDims = kWords - kPadWords;
  for (int i = Opaque(Tid()); i < kPairs * kDims; i += kMatrixThreads) {
    const int token = i / kDims * 2;
    uint32_t& pair = values[token / 2][i % kDims];
    if (token < begin || token >= end) pair &= 0xffff0000u;
    if (token + 1 < begin || token + 1 >= end) pair &= 0x0000ffffu;
  }
  SyncBlock();
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

// Rows [first, first + 16 * kRowSteps) of the tile, of a warp.
template <int kDim>
struct WarpAttention {
  const AttentionArgs& args;
  const AttentionTileOf<kMatrixRows>& tile;
  int first;
  MatrixOperand queries[kRowSteps][kDim / 16];
  MatrixSums<float> scores[kRowSteps][kBlockSteps];  // of the latest block, then its weights
  MatrixSums<float> out[kRowSteps][kDim / 16] = {};
  float maximum[kRowSteps][MatrixLayout::kSumRows];     // of scores so far
  float total[kRowSteps][MatrixLayout::kSumRows] = {};  // of weights so far: the lane's part

  GPU_FN WarpAttention(const AttentionArgs& kernel_args, const AttentionTileOf<kMatrixRows>& block)
      : args(kernel_args), tile(block), first(WarpId() * kWarpRows) {
#pragma unroll
    for (int m = 0; m < kRowSteps; ++m) {
#pragma unroll
      for (float& value : maximum[m]) value = -std::numeric_limits<float>::infinity();
#pragma unroll
      for (int i = 0; i < MatrixLayout::kWords; ++i) {
        // Beyond the last it is the last once more: its outputs go nowhere.
        const int r = first + m * 16 + MatrixLayout::Row(LaneId(), i);
        const int64_t row = tile.Offset(args, r < tile.rows ? r : tile.rows - 1) * 2;
        const std::byte* const words = args.q + row + MatrixLayout::Byte(LaneId(), i);
#pragma unroll
        for (int step = 0; step < kDim / 16; ++step) queries[m][step].words[i] = LoadVec<4>(words + step * 32).words[0];
      }
    }
  }

  // The row of a lane's values that are `index` of kSumRows. It, and what follows from it, is found anew each time: in
  // registers it would be in the way of the sums.
  GPU_FN int Row(int lane, int m, int index) const {
    return Opaque(first) + m * 16 + MatrixLayout::SumRow(lane, MatrixLayout::FirstOfRow(index));
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

  // Makes weights of the scores, and outputs relative to the rows' new largest ones.
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
        const float keep = FastExp2(Fma(maximum[m][index], scale, -base));
        float sum = 0.0f;
        ForRow(index, scores[m], [&](float& score) {
          score = FastExp2(Fma(score, scale, -base));
          sum += score;
        });
        maximum[m][index] = largest;
        total[m][index] = Fma(total[m][index], keep, sum);
        if (keep == 1.0f) continue;  // most blocks have no new largest score
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

  GPU_FN void Store() const {
    const int lane = Opaque(LaneId());
    AttentionTileOf<kMatrixRows> at = tile;
    at.sequence = Opaque(at.sequence);
    at.first_row = Opaque(at.first_row);
#pragma unroll
    for (int m = 0; m < kRowSteps; ++m) {
#pragma unroll
      for (int index = 0; index < MatrixLayout::kSumRows; ++index) {
        const float sum = GroupSum<MatrixLayout::kRowLanes>(total[m][index]);
        const int r = Row(lane, m, index);
        if (r >= tile.rows) continue;
        float* const to = args.out + at.Offset(args, r);
        const float share = 1.0f / sum;
#pragma unroll
        for (int n = 0; n < kDim / 16; ++n) {
#pragma unroll
          for (int i = 0; i < MatrixLayout::kValues; ++i) {
            if (MatrixLayout::RowIndex(i) != index) continue;
            to[n * 16 + MatrixLayout::SumColumn(lane, i)] = out[m][n].values[i] * share;
          }
        }
      }
    }
  }

 private:
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

template <int kDim>
GPU_FN void AttendByMatrix(const AttentionArgs& args) {
  GPU_SHARED(MatrixAttentionShared<kDim>, shared);
  const AttentionTileOf<kMatrixRows> tile(args);
  if (tile.rows <= 0) return;
  const int begin = tile.Begin(args, 0), end = tile.End(tile.rows - 1);
  int start = begin / kKvBlockTokens * kKvBlockTokens;
  const std::byte* keys = tile.KeysOf(args, start);
  CopyPart(keys, shared.keys);
  WarpAttention<kDim> warp(args, tile);
  const int last = (warp.first + kWarpRows < tile.rows ? warp.first + kWarpRows : tile.rows) - 1;
  // Behind what all rows of the warp see, and behind what any sees; a window's begin lies as far apart.
  const int all_end = tile.End(warp.first), any_end = warp.first < tile.rows ? tile.End(last) : 0;
  for (; start < end; start += kKvBlockTokens) {
    const int next = start + kKvBlockTokens;
    AwaitPart();
    CopyPart(keys + kSpanBlocks * args.part_bytes, shared.values);
    if (start < any_end) {
      warp.Score(shared.keys);
      if (next > all_end || (args.window > 0 && start < any_end - args.window)) warp.HideScores(start);
      warp.Softmax();
    }
    AwaitPart();
    if (next < end) {
      keys = tile.KeysOf(args, next);
      CopyPart(keys, shared.keys);
    }
    if (start < begin || next > end) HideValues(begin - start, end - start, shared.values);
    if (start < any_end) warp.Weigh(shared.values, shared.crossing[WarpId()]);
  }
  if (warp.first < tile.rows) warp.Store();
}

}  // namespace engine::gpu
