// Device code: prefill attention of bf16 on matrix units, of class fast: partitions and sums are not those of the reference.
//
// A warp has 16 or 32 query rows, walks the cache block by block, and keeps their outputs in registers. Scores and weights
// cross from one order of registers to the other in shared memory, where two lanes have a row.
#pragma once

#include "backends/gpu/attention_tile.h"
#include "core/base/bf16.h"
#include "core/base/math.h"

namespace engine::gpu {

// What a warp has of the tile.
inline constexpr int kRowSteps = kMatrixRows / 16 / (kMatrixThreads / kWarp);
inline constexpr int kWarpRows = kRowSteps * 16;
static_assert(kWarpRows * 2 == kWarp);  // two lanes to a row
inline constexpr int kLaneScores = kKvBlockTokens / 2;
// Of 16 dimensions of the outputs, between which values are not asked for ahead: registers would not do.
inline constexpr int kDimSteps = 2;

// Step `step` of 16 of the reduction index, of rows `first` and those behind.
template <int kRows, int kWords>
GPU_FN MatrixOperand RowsOperand(const uint32_t (&rows)[kRows][kWords], int first, int step) {
  MatrixOperand out;
#pragma unroll
  for (int i = 0; i < MatrixLayout::kWords; ++i) {
    out.words[i] = rows[first + MatrixLayout::Row(LaneId(), i)][step * 8 + MatrixLayout::Byte(LaneId(), i) / 4];
  }
  return out;
}

// The same of K or V of a block, where `columns` lie side by side: tokens of K, dimensions of V.
GPU_FN MatrixOperand CacheOperand(const std::byte* part, int columns, int first, int step) {
  MatrixOperand out;
#pragma unroll
  for (int i = 0; i < MatrixLayout::kWords; ++i) {
    const int pair = step * 8 + MatrixLayout::Byte(LaneId(), i) / 4;
    out.words[i] = LoadVec<4>(part + (pair * columns + first + MatrixLayout::Row(LaneId(), i)) * 4).words[0];
  }
  return out;
}

// Without tokens outside [begin, end) of the block, which may be anything: a weight of 0 would not do.
GPU_FN MatrixOperand VisibleValues(MatrixOperand values, int step, int begin, int end) {
#pragma unroll
  for (int i = 0; i < MatrixLayout::kWords; ++i) {
    const int token = (step * 8 + MatrixLayout::Byte(LaneId(), i) / 4) * 2;
    if (token < begin || token >= end) values.words[i] &= 0xffff0000u;
    if (token + 1 < begin || token + 1 >= end) values.words[i] &= 0x0000ffffu;
  }
  return values;
}

template <int kDim>
struct WarpAttention {
  MatrixAttentionShared<kDim>& shared;
  int first;  // row of the tile
  MatrixSums<float> out[kRowSteps][kDim / 16] = {};

  GPU_FN WarpAttention(const AttentionArgs& args, const AttentionTileOf<kMatrixRows>& tile,
                       MatrixAttentionShared<kDim>& block)
      : shared(block), first(WarpId() * kWarpRows) {
    const bool exists = Row() < tile.rows;
    shared.begin[Tid()] = exists ? tile.Begin(args, Row()) : 0;
    shared.end[Tid()] = exists ? tile.End(Row()) : 0;
    shared.maximum[Tid()] = -std::numeric_limits<float>::infinity();
    shared.total[Tid()] = 0.0f;
  }

  // The lane's row, of which it has half of a block's scores.
  GPU_FN int Row() const { return first + LaneId() / 2; }

  GPU_FN void Score(const std::byte* keys) {
    MatrixSums<float> scores[kRowSteps][kKvBlockTokens / 16] = {};
#pragma unroll 1
    for (int step = 0; step < kDim / 16; ++step) {
#pragma unroll
      for (int n = 0; n < kKvBlockTokens / 16; ++n) {
        const MatrixOperand k = CacheOperand(keys, kKvBlockTokens, Opaque(n * 16), step);
#pragma unroll
        for (int m = 0; m < kRowSteps; ++m) {
          MultiplyBf16(RowsOperand(shared.queries, Opaque(first) + m * 16, step), k, scores[m][n]);
        }
      }
    }
#pragma unroll
    for (int m = 0; m < kRowSteps; ++m) {
#pragma unroll
      for (int n = 0; n < kKvBlockTokens / 16; ++n) {
#pragma unroll
        for (int i = 0; i < MatrixLayout::kValues; ++i) {
          shared.scores[first + m * 16 + MatrixLayout::SumRow(LaneId(), i)]
                       [n * 16 + MatrixLayout::SumColumn(LaneId(), i)] = scores[m][n].values[i];
        }
      }
    }
  }

  // Of the block that starts at `start`: its weights, and what the row's outputs so far keep.
  GPU_FN void Softmax(int start, float scale) {
    const int half = LaneId() % 2 * kLaneScores, row = Row();
    const int seen_begin = shared.begin[Tid()] - start - half, seen_end = shared.end[Tid()] - start - half;
    const auto visible = [&](int t) { return t >= seen_begin && t < seen_end; };
    const float maximum = shared.maximum[Tid()];
    float largest = maximum;
#pragma unroll 4
    for (int t = 0; t < kLaneScores; ++t) {
      if (visible(t)) largest = Max(shared.scores[row][half + t] * scale, largest);
    }
    largest = Max(ShflXor(largest, 1), largest);
    const bool any = largest > -std::numeric_limits<float>::infinity();
    float sum = 0.0f;
#pragma unroll 2
    for (int t = 0; t < kLaneScores; t += 2) {
      const float p0 = visible(t) ? Exp(shared.scores[row][half + t] * scale - largest) : 0.0f;
      const float p1 = visible(t + 1) ? Exp(shared.scores[row][half + t + 1] * scale - largest) : 0.0f;
      sum += p0 + p1;
      shared.weights[row][(half + t) / 2] = F32ToBf16(p0) | static_cast<uint32_t>(F32ToBf16(p1)) << 16;
    }
    const float keep = any ? Exp(maximum - largest) : 1.0f;
    shared.total[Tid()] = Fma(shared.total[Tid()], keep, sum + ShflXor(sum, 1));
    shared.maximum[Tid()] = largest;
    if (half == 0) shared.factors[row] = keep;
  }

  // Adds the block's values, of which tokens [seen_begin, seen_end) may be used.
  GPU_FN void Weigh(const std::byte* values, int seen_begin, int seen_end) {
#pragma unroll
    for (int m = 0; m < kRowSteps; ++m) {
#pragma unroll
      for (int i = 0; i < MatrixLayout::kValues; ++i) {
        const float keep = shared.factors[first + m * 16 + MatrixLayout::SumRow(LaneId(), i)];
#pragma unroll
        for (int n = 0; n < kDim / 16; ++n) out[m][n].values[i] *= keep;
      }
    }
#pragma unroll
    for (int n = 0; n < kDim / 16; n += kDimSteps) {
#pragma unroll 1
      for (int step = 0; step < kKvBlockTokens / 16; ++step) {
        MatrixOperand weights[kRowSteps];
#pragma unroll
        for (int m = 0; m < kRowSteps; ++m) weights[m] = RowsOperand(shared.weights, first + m * 16, step);
#pragma unroll
        for (int i = n; i < n + kDimSteps; ++i) {
          const MatrixOperand v =
              VisibleValues(CacheOperand(values, kDim, Opaque(i * 16), step), step, seen_begin, seen_end);
#pragma unroll
          for (int m = 0; m < kRowSteps; ++m) MultiplyBf16(weights[m], v, out[m][i]);
        }
      }
    }
  }

  // What leads to the outputs is found anew: in registers it would be in their way.
  GPU_FN void Store(const AttentionArgs& args, AttentionTileOf<kMatrixRows> tile) const {
    tile.sequence = Opaque(tile.sequence);
    tile.group = Opaque(tile.group);
    tile.first_row = Opaque(tile.first_row);
    const int lane = Opaque(LaneId());
#pragma unroll
    for (int m = 0; m < kRowSteps; ++m) {
#pragma unroll
      for (int i = 0; i < MatrixLayout::kValues; ++i) {
        const int r = Opaque(first) + m * 16 + MatrixLayout::SumRow(lane, i);
        if (r >= tile.rows) continue;
        float* const to = args.out + tile.Offset(args, r);
        const float share = 1.0f / shared.factors[r];
#pragma unroll
        for (int n = 0; n < kDim / 16; ++n) {
          to[n * 16 + MatrixLayout::SumColumn(lane, i)] = out[m][n].values[i] * share;
        }
      }
    }
  }
};

template <int kDim>
GPU_FN void AttendByMatrix(const AttentionArgs& args) {
  GPU_SHARED(MatrixAttentionShared<kDim>, shared);
  const AttentionTileOf<kMatrixRows> tile(args);
  if (tile.rows <= 0) return;
  for (int i = Tid(); i < kMatrixRows * kDim / 2; i += kMatrixThreads) {
    const int r = i / (kDim / 2), word = i % (kDim / 2);
    shared.queries[r][word] = r < tile.rows ? LoadVec<4>(args.q + (tile.Offset(args, r) + word * 2) * 2).words[0] : 0;
  }
  SyncBlock();
  WarpAttention<kDim> warp(args, tile, shared);
  if (warp.first >= tile.rows) return;
  const int last = warp.first + kWarpRows < tile.rows ? warp.first + kWarpRows - 1 : tile.rows - 1;
  const int begin = tile.Begin(args, warp.first), end = tile.End(last);
  for (int start = begin / kKvBlockTokens * kKvBlockTokens; start < end; start += kKvBlockTokens) {
    const std::byte* const keys = tile.KeysOf(args, start);
    warp.Score(keys);
    SyncWarp();
    warp.Softmax(start, args.scale);
    SyncWarp();
    warp.Weigh(keys + kSpanBlocks * args.part_bytes, begin - start, end - start);
    SyncWarp();  // the next block's scores and weights take the place of these
  }
  if (Opaque(LaneId()) % 2 == 0) shared.factors[warp.Row()] = shared.total[Tid()];
  SyncWarp();
  warp.Store(args, tile);
}

}  // namespace engine::gpu
