// Device code: many rows times panels, or rows, of bf16 or f16 on matrix units, of class fast: these add in an order of
// their own, and k is one sum. Rows have the type of the weights; those of f16 are what narrow_rows.h makes of f32.
#pragma once

#include <limits>

#include "backends/gpu/matrix_tile.h"

namespace engine::gpu {

// k is a multiple of kNarrowGroupValues. A thread copies two halves of a group of x, and one of w.
template <DType kType, bool kInPanels>
struct NarrowSource {
  using Group = NarrowTileGroup;
  static constexpr int kUnits = kStageGroups * 2;  // halves of a row in a stage
  static constexpr int kChunk = std::numeric_limits<int>::max();
  static constexpr int kUnitStride = kInPanels ? kPanelRows * kPanelUnit : kPanelUnit;  // of a row of w
  static_assert(kTileColumns * kUnits == kLinearThreads);

  const std::byte* x;
  int row_bytes;
  TileTokens tokens;
  int groups;
  const std::byte* w;  // the thread's half of group 0

  GPU_FN NarrowSource(const LinearArgs& args, const TileTokens& block_tokens)
      : x(args.x), row_bytes(args.k * 2), tokens(block_tokens), groups(args.k / kNarrowGroupValues) {
    const PanelTask task = PanelAt(args, Bid() * kTilePanels + Column() / kPanelRows);
    const int row = Column() % kPanelRows;
    w = task.weight.panels + WeightUnit() * kUnitStride;
    if constexpr (kInPanels) {
      w += task.panel * args.panel_bytes + row * kPanelUnit;
    } else {
      // Beyond the last it is the last once more: its sums go nowhere.
      const int column = task.panel * kPanelRows + row;
      w += int64_t{column < args.n ? column : args.n - 1} * row_bytes;
    }
  }

  // Neighbouring threads have neighbouring rows of panels, and halves of a row of x and of plain weights.
  GPU_FN static int Column() { return kInPanels ? Tid() % kTileColumns : Tid() / kUnits; }
  GPU_FN static int WeightUnit() { return kInPanels ? Tid() / kTileColumns : Tid() % kUnits; }

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
      CpAsync16(stage[WeightUnit() / 2].w[WeightUnit() % 2][Column()], w + int64_t{begin} * 2 * kUnitStride);
    }
    CpAsyncCommit();
  }

  GPU_FN void End(int, Group (&)[kStageGroups]) { CpAsyncWait<0>(); }

  struct Tokens {
    MatrixOperand x;

    Tokens() = default;
    GPU_FN Tokens(const Group& group, const TilePlace& place, int step) : x(LoadFirst(group.x, place.x + step * 16)) {}
  };
  struct Columns {
    MatrixOperand w;

    GPU_FN Columns(const Group& group, const TilePlace& place, int step)
        : w(LoadSecond(group.w, place.w + step * 16)) {}
  };

  GPU_FN static void Add(const Tokens& tokens, const Columns& columns, MatrixSums<float>& sums) {
    if constexpr (kType == DType::kBF16) {
      MultiplyBf16(tokens.x, columns.w, sums);
    } else {
      MultiplyF16(tokens.x, columns.w, sums);
    }
  }
};

// A block: kTilePanels panels, kTileTokens tokens.
template <DType kType, bool kInPanels>
GPU_FN void NarrowTileProduct(const LinearArgs& args) {
  GPU_SHARED(TileStages<NarrowTileGroup>, shared);
  const TileTokens tokens(args);
  NarrowSource<kType, kInPanels> source(args, tokens);
  MultiplyTile(args, source, tokens, shared);
}

}  // namespace engine::gpu
