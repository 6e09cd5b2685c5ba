// Device code: many rows times panels of bf16 or f16 on matrix units, of class fast: these add in an order of their own, and
// k is one sum. Rows have the type of the weights; those of f16 are what narrow_rows.h makes of f32.
#pragma once

#include <limits>

#include "backends/gpu/matrix_tile.h"

namespace engine::gpu {

// k is a multiple of kNarrowGroupValues. A thread copies two halves of a group of x, and one of w.
template <DType kType>
struct NarrowSource {
  using Group = NarrowTileGroup;
  static constexpr int kUnits = kStageGroups * 2;  // halves of a row in a stage
  static constexpr int kChunk = std::numeric_limits<int>::max();
  static_assert(kTileColumns * kUnits == kLinearThreads);

  const std::byte* x;
  int row_bytes;
  TileTokens tokens;
  int groups;
  const std::byte* w;  // the thread's half of group 0

  GPU_FN NarrowSource(const LinearArgs& args, const TileTokens& block_tokens)
      : x(args.x), row_bytes(args.k * 2), tokens(block_tokens), groups(args.k / kNarrowGroupValues) {
    const PanelTask task = PanelAt(args, Bid() * kTilePanels + Column() / kPanelRows);
    w = task.weight.panels + task.panel * args.panel_bytes +
        (WeightUnit() * kPanelRows + Column() % kPanelRows) * kPanelUnit;
  }

  // Neighbouring threads have neighbouring rows of the weights, and halves of a row of x.
  GPU_FN static int Column() { return Tid() % kTileColumns; }
  GPU_FN static int WeightUnit() { return Tid() / kTileColumns; }

  GPU_FN void Begin(int begin, Group (&stage)[kStageGroups]) {
    const int unit = Tid() % kUnits;
    if (begin + unit / 2 < groups) {
#pragma unroll
      for (int first = 0; first < kTileTokens; first += kLinearThreads / kUnits) {
        const int token = first + Tid() / kUnits;
        CpAsync16(stage[unit / 2].x[unit % 2][token],
                  x + int64_t{tokens.At(token)} * row_bytes + (begin * 2 + unit) * kPanelUnit);
      }
    }
    if (begin + WeightUnit() / 2 < groups) {
      CpAsync16(stage[WeightUnit() / 2].w[WeightUnit() % 2][Column()],
                w + int64_t{begin} * 2 * kPanelRows * kPanelUnit);
    }
    CpAsyncCommit();
  }

  GPU_FN void End(int, Group (&)[kStageGroups]) { CpAsyncWait<0>(); }

  GPU_FN static void Add(const Group&, int, int, const MatrixOperand& x, const MatrixOperand& w,
                         MatrixSums<float>& sums) {
    if constexpr (kType == DType::kBF16) {
      MultiplyBf16(x, w, sums);
    } else {
      MultiplyF16(x, w, sums);
    }
  }
};

// A block: kTilePanels panels, kTileTokens tokens.
template <DType kType>
GPU_FN void NarrowTileProduct(const LinearArgs& args) {
  GPU_SHARED(TileStages<NarrowTileGroup>, shared);
  const TileTokens tokens(args);
  NarrowSource<kType> source(args, tokens);
  MultiplyTile(args, source, tokens, shared);
}

}  // namespace engine::gpu
