// Device code: a block's 128 tokens by two panels on matrix units, whatever the weights are.
//
// While a block multiplies one stage, `Source` brings in the next. A Source is a thread's, and has
//   Group             what a stage holds of a group: 32 bytes of every row, in halves x[2][tokens][4] and w[2][columns][4]
//   Tokens, Columns   what a lane needs of 16 tokens, or columns, of a group
//   kChunk            groups after which sums are added to the result and begin at +0 again
//   groups            of k
//   Begin(i, stage)   asks for groups [i, i + kStageGroups), as far as there are that many
//   End(i, stage)     has them there, for all threads after the next barrier
//   Add(tokens, columns, sums)   adds 16 x 16 products
#pragma once

#include "backends/gpu/panel_task.h"

namespace engine::gpu {

// Tokens of a warp, which has one panel: two or four steps by two.
inline constexpr int kWarpTokens = kTileTokens * kTileColumns / (kLinearThreads / kWarp) / kPanelRows;
inline constexpr int kTokenSteps = kWarpTokens / 16;
inline constexpr int kColumnSteps = kPanelRows / 16;

// Panel `index` of a weight, or of two weights in turn; those beyond the last are the last once more, and their sums go
// nowhere.
GPU_FN int NumTilePanels(const LinearArgs& args) { return static_cast<int>(NumPanels(args.n)) * args.num_weights; }
GPU_FN PanelTask PanelAt(const LinearArgs& args, int index) {
  if (index >= NumTilePanels(args)) index = NumTilePanels(args) - 1;
  return args.num_weights == 1 ? PanelTask(args, 0, index) : PanelTask(args, index % 2, index / 2);
}

// The tokens of a block.
struct TileTokens {
  int first, count;
  int stand_ins;  // tokens that others take the place of; those of a tile before, where there is one

  // Beyond the last it is another one, whose sums go nowhere: not always the same, as all blocks of the device would ask one
  // place of its memory for it.
  GPU_FN int At(int t) const { return t < count ? first + t : (first > 0 ? first - kTileTokens + t : t & stand_ins); }

  GPU_FN explicit TileTokens(const LinearArgs& args)
      : first(BidY() * kTileTokens),
        count(args.rows - first < kTileTokens ? args.rows - first : kTileTokens),
        stand_ins(args.rows >= 32 ? 31 : (args.rows >= 8 ? 7 : 0)) {}
};

// Where in a group's arrays a lane finds its operands, and the first token and column of its sums.
struct TilePlace {
  int x, w, token, column;

  GPU_FN TilePlace(int first_token, int first_column)
      : x(FirstAt<kTileTokens + kPadTokens>(first_token)),
        w(SecondAt<kTileColumns>(first_column)),
        token(first_token + MatrixLayout::SumRow(LaneId(), 0)),
        column(first_column + MatrixLayout::SumColumn(LaneId(), 0)) {}
};

// A warp's part of the tile, and what a lane has of it.
struct WarpTile {
  int panel, token;  // of the tile; the first
  bool is_empty;
  TilePlace place;
  MatrixSums<float> sums[kTokenSteps][kColumnSteps] = {};

  GPU_FN WarpTile(const LinearArgs& args, int tokens)
      : panel(WarpId() % kTilePanels),
        token(WarpId() / kTilePanels * kWarpTokens),
        is_empty(token >= tokens || Bid() * kTilePanels + panel >= NumTilePanels(args)),
        place(token, panel * kPanelRows) {}

  template <typename Source>
  GPU_FN void Multiply(const typename Source::Group& group) {
    typename Source::Tokens x[kTokenSteps];
#pragma unroll
    for (int m = 0; m < kTokenSteps; ++m) x[m] = typename Source::Tokens(group, place, m);
#pragma unroll
    for (int n = 0; n < kColumnSteps; ++n) {
      SyncWarp();  // keeps compilers from asking for all columns at once, for which there are no registers
      const typename Source::Columns w(group, place, n);
#pragma unroll
      for (int m = 0; m < kTokenSteps; ++m) Source::Add(x[m], w, sums[m][n]);
    }
  }

  // Adds a chunk's sums up in linear's result: in registers the totals would be in their way.
  GPU_FN void AddChunk(const LinearArgs& args, const TileTokens& tokens, bool is_first) {
    const PanelTask task = PanelAt(args, Bid() * kTilePanels + Opaque(panel));
    const int first = Opaque(token);
#pragma unroll
    for (int m = 0; m < kTokenSteps; ++m) {
#pragma unroll
      for (int n = 0; n < kColumnSteps; ++n) {
#pragma unroll
        for (int i = 0; i < MatrixLayout::kValues; ++i) {
          const int t = first + m * 16 + MatrixLayout::SumRow(LaneId(), i);
          const int column = task.panel * kPanelRows + n * 16 + MatrixLayout::SumColumn(LaneId(), i);
          float& sum = sums[m][n].values[i];
          if (t < tokens.count && column < args.n) {
            float* const y = task.weight.y + int64_t{tokens.first + t} * args.n + column;
            *y = is_first ? sum : *y + sum;
          }
          sum = 0.0f;
        }
      }
    }
  }

  // Leaves the last chunk's sums where all threads find them, those of tokens beyond the last too.
  GPU_FN void StoreSums(TileSums& shared) const {
#pragma unroll
    for (int m = 0; m < kTokenSteps; ++m) {
#pragma unroll
      for (int n = 0; n < kColumnSteps; ++n) {
#pragma unroll
        for (int i = 0; i < MatrixLayout::kValues; ++i) {
          shared.At(panel, token + m * 16 + MatrixLayout::SumRow(LaneId(), i),
                    n * 16 + MatrixLayout::SumColumn(LaneId(), i)) = sums[m][n].values[i];
        }
      }
    }
  }
};

// The product of the thread's row of panel p, which is linear's result, and 0 where there is none.
GPU_FN float TileProductAt(const LinearArgs& args, const TileTokens& tokens, int p, int token, bool is_first,
                           TileSums& shared) {
  const int index = Bid() * kTilePanels + p;
  const PanelTask task = PanelAt(args, index);
  const int panel_column = task.panel * kPanelRows + task.row;
  if (token >= tokens.count || panel_column >= args.n || index >= NumTilePanels(args)) return 0.0f;
  const int64_t at = int64_t{tokens.first + token} * args.n + panel_column;
  float sum = shared.At(p, token, task.row);
  if (args.x_scales != nullptr) sum *= args.x_scales[tokens.first + token];
  const float product = task.Finished(args, task.row, is_first ? sum : task.weight.y[at] + sum);
  if (args.num_weights == 1) task.weight.y[at] = product;
  return product;
}

// The results, from the last chunk's sums: through shared memory, so that 32 lanes have a row's panel.
GPU_FN void StoreTile(const LinearArgs& args, const TileTokens& tokens, bool is_first, const WarpTile& warp,
                      TileSums& shared) {
  warp.StoreSums(shared);
  SyncBlock();
#pragma unroll 1
  for (int t = Tid() / kPanelRows; t < kTileTokens; t += kSlots) {
    const float first = TileProductAt(args, tokens, 0, t, is_first, shared);
    const float second = TileProductAt(args, tokens, 1, t, is_first, shared);
    if (args.num_weights == 2) StoreGated(args, Bid(), tokens.first + t, t < tokens.count, first, second);
  }
}

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
      if (warp.is_empty) break;
      warp.template Multiply<Source>(stage[g]);
    }
    const int end = begin + kStageGroups;
    if (!warp.is_empty && end < source.groups && end % Source::kChunk == 0) {
      warp.AddChunk(args, tokens, end == Source::kChunk);
    }
    source.End(begin + kStageGroups, next);
    SyncBlock();
  }
  StoreTile(args, tokens, source.groups <= Source::kChunk, warp, shared.sums);
}

}  // namespace engine::gpu
