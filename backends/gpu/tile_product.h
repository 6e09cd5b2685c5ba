// Device code: many rows of int8 activations times panels of a block format, on matrix units.
//
//   y[t, j] = sum over chunks of 2048: sum over groups g, ascending: fma(inner(t, j, g), s_a(t, g), acc)
//
// The dot products of a group are exact integers whoever adds them up, so matrix steps compute them, and every lane then
// scales the ones it gets and adds them to sums of its own: rule 4 of docs/numerics.md in rule 4's order.
//
// Activations of the next groups are copied while the last are multiplied, and their weights are on the way into registers:
// there they are unpacked to int8.
#pragma once

#include <bit>

#include "backends/gpu/block_product.h"
#include "backends/gpu/matrix_tile.h"

namespace engine::gpu {

// 1.5 * 2^23 as an integer and as a float: whose bits are moved by a dot product of less than 2^22 becomes the float that is
// as far away, so no conversion is needed. Of 32 products of int8 the sum is below 2^19.
inline constexpr int32_t kFloatZeroBits = 0x4b400000;
inline constexpr float kFloatZero = 12582912.0f;

// Words without their zero point: int8 as a matrix step takes them. The top bit keeps bytes from borrowing.
template <DType kType>
GPU_FN uint32_t Signed(uint32_t quad, int zero_point) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  if constexpr (kRecord.zero_point == 0 && !kRecord.has_zero_points) return quad;
  return ((quad | 0x80808080u) - static_cast<uint32_t>(zero_point) * 0x01010101u) ^ 0x80808080u;
}

// Zeros for all but one half of the rows.
GPU_FN MatrixOperand HalfOf(MatrixOperand operand, int half) {
#pragma unroll
  for (int i = 0; i < MatrixLayout::kWords; ++i) {
    if (MatrixLayout::Byte(LaneId(), i) / 16 != half) operand.words[i] = 0;
  }
  return operand;
}

// What a thread brings into a stage: one group of a row of the weights, of one token two halves of groups, and the scale and
// sum of one of its groups.
template <DType kType>
struct BlockSource {
  static constexpr PanelRecord kRecord = RecordOf(kType);
  static constexpr int kWeightThreads = kStageGroups * kTileColumns;

  using Group = TileGroup;
  static constexpr int kChunk = kChunkGroups;

  Activations x;
  TileTokens tokens;
  int groups;
  BlockPanel panel;  // the thread's
  int row;
  PackedGroup<kType> packed;
  float scale;
  uint32_t sums;

  GPU_FN BlockSource(const LinearArgs& args, const TileTokens& block_tokens)
      : x{args.x, args.k}, tokens(block_tokens), groups(args.k / kPanelGroup), row(Column() % kPanelRows) {
    const PanelTask task = PanelAt(args, Bid() * kTilePanels + Column() / kPanelRows);
    panel = {task.weight.panels + task.panel * args.panel_bytes, args.block_shift};
  }

  // Two levels to a group fill the registers: addresses of rows are then made anew in each stage.
  GPU_FN int Token(int t) const { return tokens.At(kRecord.level_bytes < 2 ? t : Opaque(t)); }

  GPU_FN static int Column() { return Tid() % kTileColumns; }
  GPU_FN static int WeightGroupOfThread() { return Tid() / kTileColumns % kStageGroups; }
  GPU_FN static int ScaleToken() { return Tid() / kStageGroups; }
  GPU_FN static int ScaleGroup() { return Tid() % kStageGroups; }

  // Asks for the groups from `begin` on.
  GPU_FN void Begin(int begin, TileGroup (&stage)[kStageGroups]) {
    constexpr int kUnits = kStageGroups * 2;
    const int g = Tid() % kUnits / 2, half = Tid() % 2;
#pragma unroll
    for (int first_unit = 0; first_unit < kTileTokens * kUnits; first_unit += kLinearThreads) {
      const int token = (first_unit + Tid()) / kUnits;
      if (begin + g < groups) {
        CpAsync16(stage[g].x[half][token], x.Row(Token(token)) + (begin + g) * kPanelGroup + half * 16);
      }
    }
    CpAsyncCommit();
    if (Tid() < kWeightThreads && begin + WeightGroupOfThread() < groups) {
      packed = LoadPacked<kType>(panel, begin + WeightGroupOfThread(), row);
    }
    if (begin + ScaleGroup() >= groups) return;
    scale = x.Scale(Token(ScaleToken()), begin + ScaleGroup());
    if constexpr (kRecord.has_offset) sums = x.Sums(Token(ScaleToken()), begin + ScaleGroup());
  }

  // Has them in the stage, for all threads after the next barrier.
  GPU_FN void End(int begin, TileGroup (&stage)[kStageGroups]) {
    const int g = WeightGroupOfThread();
    if (Tid() < kWeightThreads && begin + g < groups) {
      const WeightGroup<kType> w = Unpack(packed);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        Vec<16> words;
        for (int i = 0; i < 4; ++i) words.words[i] = Signed<kType>(w.quads[half * 4 + i], w.zero_point);
        StoreVec<16>(stage[g].w[half][Column()], words);
      }
      for (int s = 0; s < kRecord.segments; ++s) stage[g].w_scales[s][Column()] = w.scale[s];
      if constexpr (kRecord.has_offset) stage[g].w_offsets[Column()] = w.offset;
    }
    if (begin + ScaleGroup() < groups) {
      stage[ScaleGroup()].x_scales[ScaleToken()] = scale;
      if constexpr (kRecord.has_offset) {
        stage[ScaleGroup()].x_sums[ScaleToken()] = static_cast<float>(SumOf(sums, 0) + SumOf(sums, 1));
      }
    }
    CpAsyncWait<0>();
  }

  GPU_FN static void Add(const TileGroup& group, int first_token, int first_column, const MatrixOperand& x,
                         const MatrixOperand& w, MatrixSums<float>& sums) {
    float inner[MatrixLayout::kValues] = {};
#pragma unroll
    for (int s = 0; s < kRecord.segments; ++s) {
      MatrixSums<int32_t> dots;
      for (int32_t& value : dots.values) value = kFloatZeroBits;
      MultiplyInt8(kRecord.segments == 1 ? x : HalfOf(x, s), w, dots);
#pragma unroll
      for (int i = 0; i < MatrixLayout::kValues; ++i) {
        const int column = first_column + MatrixLayout::SumColumn(LaneId(), i);
        inner[i] = Fma(std::bit_cast<float>(dots.values[i]) - kFloatZero, group.w_scales[s][column], inner[i]);
      }
    }
#pragma unroll
    for (int i = 0; i < MatrixLayout::kValues; ++i) {
      const int token = first_token + MatrixLayout::SumRow(LaneId(), i);
      const int column = first_column + MatrixLayout::SumColumn(LaneId(), i);
      if constexpr (kRecord.has_offset) inner[i] = Fma(group.x_sums[token], group.w_offsets[column], inner[i]);
      sums.values[i] = Fma(inner[i], group.x_scales[token], sums.values[i]);
    }
  }
};

// A block: kTilePanels panels, kTileTokens tokens.
template <DType kType>
GPU_FN void TileProduct(const LinearArgs& args) {
  GPU_SHARED(TileStages<TileGroup>, shared);
  const TileTokens tokens(args);
  BlockSource<kType> source(args, tokens);
  MultiplyTile(args, source, tokens, shared);
}

}  // namespace engine::gpu
