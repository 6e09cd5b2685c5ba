// Device code: many rows of int8 activations times panels of a block format, on matrix units.
//
//   y[t, j] = sum over chunks of 2048: sum over groups g, ascending: fma(inner(t, j, g), s_a(t, g), acc)
//
// The dot products of a group are exact integers whoever adds them up, so matrix steps compute them, and every lane then
// scales the ones it gets and adds them to sums of its own: rule 4 of docs/numerics.md in rule 4's order.
//
// While a block multiplies two groups it copies the activations of the next two, and has their weights on the way into
// registers: there they are unpacked to int8.
#pragma once

#include <bit>

#include "backends/gpu/block_product.h"

namespace engine::gpu {

// Tokens and output rows of a warp: two or four steps by two.
inline constexpr int kWarpTokens = kTileTokens * kTileColumns / (kLinearThreads / kWarp) / kPanelRows;
inline constexpr int kTokenSteps = kWarpTokens / 16;
inline constexpr int kColumnSteps = kPanelRows / 16;

// 1.5 * 2^23 as an integer and as a float: whose bits are moved by a dot product of less than 2^22 becomes the float that is
// as far away, so no conversion is needed. Of 32 products of int8 the sum is below 2^19.
inline constexpr int32_t kFloatZeroBits = 0x4b400000;
inline constexpr float kFloatZero = 12582912.0f;

// Words without their zero point: int8 as a matrix step takes them. The top bit keeps bytes from borrowing.
template <DType kType>
GPU_FN uint32_t Signed(uint32_t quad) {
  constexpr uint32_t kZero = RecordOf(kType).zero_point;
  if constexpr (kZero == 0) return quad;
  return ((quad | 0x80808080u) - kZero * 0x01010101u) ^ 0x80808080u;
}

// What a thread brings into a stage: one group of a row of the weights, of one token two halves of groups, and the scale and
// sum of one of its groups.
template <DType kType>
struct TileLoader {
  static constexpr PanelRecord kRecord = RecordOf(kType);
  static constexpr int kWeightThreads = kStageGroups * kTileColumns;

  Activations x;
  int first, tokens, groups;
  const std::byte* panel;  // the thread's
  int row;
  PackedGroup<kType> packed;
  float scale;
  uint32_t sums;

  // Tokens and panels beyond the last are the last once more: their sums go nowhere.
  GPU_FN int Token(int t) const { return FirstToken() + (t < tokens ? t : tokens - 1); }
  // Two segments fill the registers: addresses of rows are then made anew in each stage.
  GPU_FN int FirstToken() const { return kRecord.segments == 1 ? first : Opaque(first); }

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
        for (int i = 0; i < 4; ++i) words.words[i] = Signed<kType>(w.quads[half * 4 + i]);
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
};

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

// Zeros for all but one half of the rows.
GPU_FN MatrixOperand HalfOf(MatrixOperand operand, int half) {
#pragma unroll
  for (int i = 0; i < MatrixLayout::kWords; ++i) {
    if (MatrixLayout::Byte(LaneId(), i) / 16 != half) operand.words[i] = 0;
  }
  return operand;
}

// One chunk's sums of a lane.
struct TileSums {
  float acc[kTokenSteps][kColumnSteps][MatrixLayout::kValues];
};

// Adds one group to the sums of 16 tokens and 16 columns.
template <DType kType>
GPU_FN void AddStep(const TileGroup& group, int first_token, int first_column, const MatrixOperand& x,
                    const MatrixOperand& w, float (&acc)[MatrixLayout::kValues]) {
  constexpr PanelRecord kRecord = RecordOf(kType);
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
    acc[i] = Fma(inner[i], group.x_scales[token], acc[i]);
  }
}

// Sums of chunks are added up where the result goes, each of one lane: in registers they would be in its way.
GPU_FN void StoreChunk(const LinearArgs& args, int index, int first_token, bool is_first, bool is_last,
                       TileSums& sums) {
  const PanelTask task(args, Opaque(index));
  first_token = Opaque(first_token);
#pragma unroll
  for (int m = 0; m < kTokenSteps; ++m) {
#pragma unroll
    for (int n = 0; n < kColumnSteps; ++n) {
#pragma unroll
      for (int i = 0; i < MatrixLayout::kValues; ++i) {
        const int token = first_token + m * 16 + MatrixLayout::SumRow(LaneId(), i);
        const int row = n * 16 + MatrixLayout::SumColumn(LaneId(), i);
        const int column = task.panel * kPanelRows + row;
        float& acc = sums.acc[m][n][i];
        if (token < args.rows && column < args.n) {
          float* const y = task.weight.y + int64_t{token} * args.n + column;
          const float total = is_first ? acc : *y + acc;
          if (is_last)
            task.Store(args, token, row, total);
          else
            *y = total;
        }
        acc = 0.0f;
      }
    }
  }
}

// A block: kTilePanels panels, kTileTokens tokens.
template <DType kType>
GPU_FN void TileProduct(const LinearArgs& args) {
  GPU_SHARED(TileStages, shared);
  const int panels = static_cast<int>(NumPanels(args.n)) * args.num_weights;
  const int first_panel = Bid() * kTilePanels;
  const auto panel_at = [&](int index) { return index < panels ? index : panels - 1; };
  TileLoader<kType> loader;
  const PanelTask loaded(args, panel_at(first_panel + loader.Column() / kPanelRows));
  loader.x = {args.x, args.k};
  loader.first = BidY() * kTileTokens;
  loader.tokens = args.rows - loader.first < kTileTokens ? args.rows - loader.first : kTileTokens;
  loader.groups = args.k / kPanelGroup;
  loader.panel = loaded.weight.panels + loaded.panel * BlockPanelBytes(kType, args.k);
  loader.row = loader.Column() % kPanelRows;

  const int column = WarpId() % kTilePanels * kPanelRows;  // the warp's first, and its first token, of the tile
  const int token = WarpId() / kTilePanels * kWarpTokens;
  const int index = first_panel + column / kPanelRows;
  const int steps = index < panels && token < loader.tokens ? (loader.tokens - token + 15) / 16 : 0;
  TileSums sums = {};
  loader.Begin(0, shared.stages[0]);
  loader.End(0, shared.stages[0]);
  SyncBlock();
  for (int begin = 0; begin < loader.groups; begin += kStageGroups) {
    const auto& stage = shared.stages[begin / kStageGroups % 2];
    auto& next = shared.stages[(begin / kStageGroups + 1) % 2];
    loader.Begin(begin + kStageGroups, next);
#pragma unroll 1
    for (int g = 0; g < kStageGroups && begin + g < loader.groups; ++g) {
      if (steps == 0) break;
      const TileGroup& group = stage[g];
      MatrixOperand w[kColumnSteps];
#pragma unroll
      for (int n = 0; n < kColumnSteps; ++n) w[n] = LoadOperand(group.w, column + n * 16);
#pragma unroll
      for (int m = 0; m < kTokenSteps; ++m) {
        if (m >= steps) continue;
        const MatrixOperand x = LoadOperand(group.x, token + m * 16);
#pragma unroll
        for (int n = 0; n < kColumnSteps; ++n) {
          AddStep<kType>(group, token + m * 16, column + n * 16, x, w[n], sums.acc[m][n]);
        }
      }
    }
    const int end = begin + kStageGroups < loader.groups ? begin + kStageGroups : loader.groups;
    if (steps > 0 && (end == loader.groups || end % kChunkGroups == 0)) {
      StoreChunk(args, index, loader.first + token, begin < kChunkGroups, end == loader.groups, sums);
    }
    loader.End(begin + kStageGroups, next);
    SyncBlock();
  }
}

}  // namespace engine::gpu
