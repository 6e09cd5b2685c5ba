// Device code: a block's 128 tokens by two panels on matrix units, whatever the weights are.
//
// While a block multiplies one stage, `Source` brings in the next. A Source is a thread's, and has
//   Group             what a stage holds of a group: 32 bytes of every row, in halves x[2][tokens][4] and w[2][columns][4]
//   kChunk            groups after which sums are added to the result and begin at +0 again
//   groups            of k
//   Begin(i, stage)   asks for groups [i, i + kStageGroups), as far as there are that many
//   End(i, stage)     has them there, for all threads after the next barrier
//   Add(group, token, column, x, w, sums)   adds 16 x 16 products, from `token` and `column` of the tile on
#pragma once

#include "backends/gpu/panel_task.h"

namespace engine::gpu {

// Tokens of a warp, which has one panel: two or four steps by two.
inline constexpr int kWarpTokens = kTileTokens * kTileColumns / (kLinearThreads / kWarp) / kPanelRows;
inline constexpr int kTokenSteps = kWarpTokens / 16;
inline constexpr int kColumnSteps = kPanelRows / 16;

// Rows [first, first + 16) of a group, whose halves are `halves`.
template <int kRows>
GPU_FN MatrixOperand LoadOperand(const uint32_t (&halves)[2][kRows][4], int first) {
  MatrixOperand out;
#pragma unroll
  for (int i = 0; i < MatrixLayout::kWords; ++i) {
    const int byte = MatrixLayout::Byte(LaneId(), i);
    out.words[i] = halves[byte / 16][first + MatrixLayout::Row(LaneId(), i)][byte % 16 / 4];
  }
  return out;
}

// The panel at `index` of both weights; those beyond the last are the last once more, and their sums go nowhere.
GPU_FN PanelTask PanelAt(const LinearArgs& args, int index) {
  const int panels = static_cast<int>(NumPanels(args.n)) * args.num_weights;
  return PanelTask(args, index < panels ? index : panels - 1);
}

// The tokens of a block.
struct TileTokens {
  int first, count;

  // Beyond the last it is the last once more: its sums go nowhere.
  GPU_FN int At(int t) const { return first + (t < count ? t : count - 1); }

  GPU_FN explicit TileTokens(const LinearArgs& args)
      : first(BidY() * kTileTokens), count(args.rows - first < kTileTokens ? args.rows - first : kTileTokens) {}
};

// A warp's part of the tile, and what a lane has of it.
struct WarpTile {
  int index;          // of the panel
  int column, token;  // the first of the tile
  int steps;          // of 16 tokens; 0 if there is nothing to multiply
  MatrixSums<float> sums[kTokenSteps][kColumnSteps] = {};

  GPU_FN WarpTile(const LinearArgs& args, int tokens)
      : index(Bid() * kTilePanels + WarpId() % kTilePanels),
        column(WarpId() % kTilePanels * kPanelRows),
        token(WarpId() / kTilePanels * kWarpTokens),
        steps(0) {
    const bool exists = index < static_cast<int>(NumPanels(args.n)) * args.num_weights;
    if (exists && token < tokens) steps = (tokens - token + 15) / 16;
  }

  template <typename Source>
  GPU_FN void Multiply(const typename Source::Group& group) {
    MatrixOperand w[kColumnSteps];
#pragma unroll
    for (int n = 0; n < kColumnSteps; ++n) w[n] = LoadOperand(group.w, column + n * 16);
#pragma unroll
    for (int m = 0; m < kTokenSteps; ++m) {
      if (m >= steps) continue;
      const MatrixOperand x = LoadOperand(group.x, token + m * 16);
#pragma unroll
      for (int n = 0; n < kColumnSteps; ++n) {
        Source::Add(group, token + m * 16, column + n * 16, x, w[n], sums[m][n]);
      }
    }
  }

  // Adds a chunk's sums up where the result goes: in registers the totals would be in its way.
  GPU_FN void StoreChunk(const LinearArgs& args, int first_token, bool is_first, bool is_last) {
    const PanelTask task(args, Opaque(index));
    first_token = Opaque(first_token + token);
#pragma unroll
    for (int m = 0; m < kTokenSteps; ++m) {
#pragma unroll
      for (int n = 0; n < kColumnSteps; ++n) {
#pragma unroll
        for (int i = 0; i < MatrixLayout::kValues; ++i) {
          float& acc = sums[m][n].values[i];
          StoreSum(args, task, first_token + m * 16 + MatrixLayout::SumRow(LaneId(), i),
                   n * 16 + MatrixLayout::SumColumn(LaneId(), i), is_first, is_last, acc);
          acc = 0.0f;
        }
      }
    }
  }

 private:
  GPU_FN static void StoreSum(const LinearArgs& args, const PanelTask& task, int token, int row, bool is_first,
                              bool is_last, float sum) {
    const int column = task.panel * kPanelRows + row;
    if (token >= args.rows || column >= args.n) return;
    float* const y = task.weight.y + int64_t{token} * args.n + column;
    const float total = is_first ? sum : *y + sum;
    if (is_last) {
      task.Store(args, token, row, total);
    } else {
      *y = total;
    }
  }
};

template <typename Source>
GPU_FN void MultiplyTile(const LinearArgs& args, Source& source, const TileTokens& tokens,
                         TileStages<typename Source::Group>& shared) {
  WarpTile warp(args, tokens.count);
  source.Begin(0, shared.stages[0]);
  source.End(0, shared.stages[0]);
  SyncBlock();
  for (int begin = 0; begin < source.groups; begin += kStageGroups) {
    const auto& stage = shared.stages[begin / kStageGroups % 2];
    auto& next = shared.stages[(begin / kStageGroups + 1) % 2];
    source.Begin(begin + kStageGroups, next);
#pragma unroll 1
    for (int g = 0; g < kStageGroups && begin + g < source.groups; ++g) {
      if (warp.steps == 0) break;
      warp.template Multiply<Source>(stage[g]);
    }
    const int end = begin + kStageGroups < source.groups ? begin + kStageGroups : source.groups;
    if (warp.steps > 0 && (end == source.groups || end % Source::kChunk == 0)) {
      warp.StoreChunk(args, tokens.first, begin < Source::kChunk, end == source.groups);
    }
    source.End(begin + kStageGroups, next);
    SyncBlock();
  }
}

}  // namespace engine::gpu
