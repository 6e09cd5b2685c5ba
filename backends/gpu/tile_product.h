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

// How many times too large Signed makes an integer whose zero point is half of its range: it ends in the top bits of int8.
template <DType kType>
inline constexpr int kWidening = RecordOf(kType).zero_point == 0 ? 1 : 128 / RecordOf(kType).zero_point;

// Words without their zero point: int8 as a matrix step takes them.
template <DType kType>
GPU_FN uint32_t Signed(uint32_t quad, int zero_point) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  if constexpr (kRecord.zero_point > 0) return (quad * kWidening<kType>)^0x80808080u;
  if constexpr (!kRecord.has_zero_points) return quad;
  // The top bit keeps bytes from borrowing.
  return ((quad | 0x80808080u) - static_cast<uint32_t>(zero_point) * 0x01010101u) ^ 0x80808080u;
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

  // Sums fill the registers: addresses of rows are made anew in each stage.
  GPU_FN int Token(int t) const { return tokens.At(Opaque(t)); }

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
      for (int s = 0; s < kRecord.segments; ++s)
        stage[g].w_scales[s][Column()] = w.scale[s] * (1.0f / kWidening<kType>);
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

  struct Tokens {
    MatrixOperand x;
    float scales[MatrixLayout::kSumRows], sums[MatrixLayout::kSumRows];

    Tokens() = default;
    GPU_FN Tokens(const TileGroup& group, const TilePlace& place, int step)
        : x(LoadFirst(group.x, place.x + step * 16)) {
#pragma unroll
      for (int i = 0; i < MatrixLayout::kSumRows; ++i) {
        const int token = place.token + step * 16 + MatrixLayout::SumRow(0, MatrixLayout::FirstOfRow(i));
        scales[i] = group.x_scales[token];
        if constexpr (kRecord.has_offset) sums[i] = group.x_sums[token];
      }
    }
  };

  struct Columns {
    MatrixOperand w;
    float scales[kRecord.segments][MatrixLayout::kSumColumns], offsets[MatrixLayout::kSumColumns];

    GPU_FN Columns(const TileGroup& group, const TilePlace& place, int step)
        : w(LoadSecond(group.w, place.w + step * 16)) {
#pragma unroll
      for (int i = 0; i < MatrixLayout::kSumColumns; ++i) {
        const int column = place.column + step * 16 + MatrixLayout::SumColumn(0, MatrixLayout::FirstOfColumn(i));
        for (int s = 0; s < kRecord.segments; ++s) scales[s][i] = group.w_scales[s][column];
        if constexpr (kRecord.has_offset) offsets[i] = group.w_offsets[column];
      }
    }
  };

  GPU_FN static void Add(const Tokens& tokens, const Columns& columns, MatrixSums<float>& sums) {
    MatrixSums<int32_t> start, dots[kRecord.segments];
    for (int32_t& value : start.values) value = kFloatZeroBits;
    if constexpr (kRecord.segments == 1) {
      MultiplyInt8(tokens.x, columns.w, start, dots[0]);
    } else {
      MultiplyInt8Half<0>(tokens.x, columns.w, start, dots[0]);
      SyncWarp();  // as in WarpTile::Multiply
      MultiplyInt8Half<1>(tokens.x, columns.w, start, dots[1]);
    }
#pragma unroll
    for (int i = 0; i < MatrixLayout::kValues; ++i) {
      const int row = MatrixLayout::RowIndex(i), column = MatrixLayout::ColumnIndex(i);
      // kFloatZero times a scale is exact, as scales have 19 bits at most: this is dot * scale, rounded once. From 2^104 on it
      // is infinite, and the sum NaN, where rule 4 may still have a number.
      const float scale = columns.scales[0][column];
      float inner = Fma(std::bit_cast<float>(dots[0].values[i]), scale, scale * -kFloatZero);
      if constexpr (kRecord.segments == 2) {
        inner = Fma(std::bit_cast<float>(dots[1].values[i]) - kFloatZero, columns.scales[1][column], inner);
      }
      if constexpr (kRecord.has_offset) inner = Fma(tokens.sums[row], columns.offsets[column], inner);
      sums.values[i] = Fma(inner, tokens.scales[row], sums.values[i]);
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
