// linear: y = x w^T (* row_scales) (+ bias), and gated_mlp: out = act(x gate^T) * (x up^T).
#pragma once

#include <array>

#include "backends/gpu/kernel_instance.h"
#include "backends/gpu/weight_panel.h"
#include "ops/activation.h"

namespace engine::gpu {

struct LinearWeight {
  const std::byte* panels;  // weight_panel.h; plain rows where a kernel says so
  const float* row_scales;  // of w8; else null
  const float* bias;        // or null
  float* y;  // [rows, n]: linear's result; of gated_mlp room for the sums of chunks, where a kernel needs it
};

struct LinearArgs {
  const std::byte* x;     // [rows, k]: q8_group, bf16, f32, or f16 for matrix units
  const float* x_scales;  // of rows of f16 (narrow_rows.h); else null
  LinearWeight weights[2];
  int num_weights;  // 2: gated_mlp's gate and up
  int rows;
  int n;
  int k;
  int block_shift;  // of w4_gN: its blocks have 1 << block_shift groups
  int chunk_slots;  // of plain formats: slots of a block that share a row's chunks of 2048, a power of two up to 8
  int64_t panel_bytes;
  std::byte* out;  // gated_mlp's result, [rows, n]
  int64_t out_row_bytes;
  DType out_dtype;
  Activation activation;
  uint8_t token_parts;     // of block formats and few tokens: shares of them, of one block each
  uint8_t unused[5] = {};  // kernel_instance.h
};

// A block has eight slots of 32 lanes, and a lane has one output row.
inline constexpr int kLinearThreads = 256;
inline constexpr int kSlots = kLinearThreads / 32;

// One that multiplies a panel of a block format by few tokens waits for memory, and has more slots, so that a weight with few
// panels has loads enough in flight.
inline constexpr int kPanelThreads = 512;
inline constexpr int kPanelSlots = kPanelThreads / 32;

// Tokens of such a block: one, a few, and some more, of which a step has up to kPanelTokens.
inline constexpr int kFewTokens = 4;
inline constexpr int kSomeTokens = 8;
inline constexpr int kPanelTokens = 32;

// Blocks of a launch at most: two for each multiprocessor of an H200, which has all of them at once, and used for every GPU.
// Where there are more panels, a block has several, so that the weights of the next are on their way while the last is added up.
inline constexpr int kPanelBlocks = 264;
// Tokens that bf16 and f16 weights are not multiplied by on matrix units.
inline constexpr int kSmallTokens = 16;
// Of a slot that waits for arithmetic.
inline constexpr int kSlotTokens = 8;
// A row of a plain format: blocks are smaller, so that few outputs reach more multiprocessors.
inline constexpr int kRowThreads = 128;
// Of a block that multiplies matrices, and its output rows: 32 x 32 sums for each of eight warps, 32 registers of a thread.
// With twice as many, two blocks of a multiprocessor would spill.
inline constexpr int kTileTokens = 128;
inline constexpr int kTilePanels = 2;
inline constexpr int kTileColumns = kTilePanels * kPanelRows;

inline constexpr int kChunkValues = 2048;
inline constexpr int kChunkGroups = kChunkValues / kPanelGroup;

// Groups between two barriers: what is read of one pass lies beside what is written of the next, in 48 KiB.
template <int kTokens>
inline constexpr int kPassGroups = kTokens == 1 ? 64 : 16;

// Activations of a pass.
template <int kTokens>
struct alignas(16) PassActivations {
  uint32_t values[kTokens][kPassGroups<kTokens>][2][4];
  uint32_t sums[kTokens][kPassGroups<kTokens>];
};

template <int kTokens>
struct GroupSums {
  PassActivations<kTokens> x[2];
  float inner[2][kPassGroups<kTokens>][kTokens][kPanelRows];
  float x_scales[4][kTokens][kPassGroups<kTokens>];  // are read for one pass more
  // Of both weights, so far; each of one thread, in whose way it would be in a register.
  float totals[2][kTokens][kPanelRows];
};

// One group of a tile. Its halves lie apart, so that the 16-byte words of rows follow each other; with these beyond the
// tokens, no two lanes that read or write at a time meet in a bank.
inline constexpr int kPadTokens = 2;

struct alignas(16) TileGroup {
  uint32_t x[2][kTileTokens + kPadTokens][4];
  uint32_t w[2][kTileColumns][4];
  float x_scales[kTileTokens];
  float x_sums[kTileTokens];        // of formats with an offset
  float w_scales[2][kTileColumns];  // of each segment
  float w_offsets[kTileColumns];
};

// The same of bf16 and f16: its 32 bytes of a row are 16 values of k.
inline constexpr int kNarrowGroupValues = 16;

struct alignas(16) NarrowTileGroup {
  uint32_t x[2][kTileTokens + kPadTokens][4];
  uint32_t w[2][kTileColumns][4];
};

// The sums of a tile. Rows are shifted so that lanes with neighbouring tokens meet in no bank.
struct TileSums {
  float values[kTilePanels][kTileTokens][kPanelRows];

  constexpr float& At(int panel, int token, int row) { return values[panel][token][(row + token * 4) % kPanelRows]; }
};

// Groups between two barriers: 64 bytes of each row. Of two stages one is filled while the other is multiplied.
inline constexpr int kStageGroups = 2;

template <typename Group>
union TileStages {
  Group stages[2][kStageGroups];
  TileSums sums;  // when all stages have been multiplied
};

// Slots of a block of a plain format.
template <int kTokens>
inline constexpr int kPlainSlots = (kTokens == 1 ? kRowThreads : kLinearThreads) / kPanelRows;

// Values of k that a slot multiplies between two looks at its sums: at most.
template <int kTokens>
inline constexpr int kMostRunValues = kTokens == 1 ? kPanelRows : kPanelRows / 2;

template <int kTokens>
struct ChunkSums {
  float sums[kPlainSlots<kTokens>][kTokens][kPanelRows];  // of the slots' chunks
  // Each of one thread: in registers they would be in its way.
  float totals[kPlainSlots<kTokens>][kTokens][kPanelRows];  // so far
  float gates[kPlainSlots<kTokens>][kTokens][kPanelRows];
  // Values that a slot multiplies, and that follow.
  alignas(16) float x[kPlainSlots<kTokens>][2][kTokens * kMostRunValues<kTokens>];
};

// The kernels of a block format: for one token, up to kFewTokens, kSomeTokens at a time, and more than kPanelTokens.
struct BlockKernels {
  KernelInstance one, few, some, tile;
};
// Of a plain format: for one token, and for kSlotTokens in a slot.
struct PlainKernels {
  KernelInstance one, tile;
};

template <typename Shared>
constexpr KernelInstance LinearInstance(std::string_view module, std::string_view name, int threads = kLinearThreads) {
  return {name, module, sizeof(LinearArgs), threads, sizeof(Shared)};
}

constexpr PlainKernels PlainInstances(std::string_view one, std::string_view tile) {
  return {{one, "linear_plain", sizeof(LinearArgs), kRowThreads, sizeof(ChunkSums<1>)},
          LinearInstance<ChunkSums<kSlotTokens>>("linear_plain", tile)};
}

constexpr BlockKernels BlockInstances(std::string_view module, const std::array<std::string_view, 4>& names) {
  return {LinearInstance<GroupSums<1>>(module, names[0], kPanelThreads),
          LinearInstance<GroupSums<kFewTokens>>(module, names[1], kPanelThreads),
          LinearInstance<GroupSums<kSomeTokens>>(module, names[2], kPanelThreads),
          LinearInstance<TileStages<TileGroup>>(module, names[3])};
}

inline constexpr BlockKernels kLinearQ4_0 =
    BlockInstances("linear_q4", {"linear_q4_0_one", "linear_q4_0_few", "linear_q4_0_some", "linear_q4_0_tile"});
inline constexpr BlockKernels kLinearQ4_1 =
    BlockInstances("linear_q4", {"linear_q4_1_one", "linear_q4_1_few", "linear_q4_1_some", "linear_q4_1_tile"});
inline constexpr BlockKernels kLinearIQ4_NL =
    BlockInstances("linear_q4", {"linear_iq4_nl_one", "linear_iq4_nl_few", "linear_iq4_nl_some", "linear_iq4_nl_tile"});
// Of every w4_gN.
inline constexpr BlockKernels kLinearW4 =
    BlockInstances("linear_w4", {"linear_w4_one", "linear_w4_few", "linear_w4_some", "linear_w4_tile"});
inline constexpr BlockKernels kLinearQ5_0 =
    BlockInstances("linear_q5", {"linear_q5_0_one", "linear_q5_0_few", "linear_q5_0_some", "linear_q5_0_tile"});
inline constexpr BlockKernels kLinearQ5_1 =
    BlockInstances("linear_q5", {"linear_q5_1_one", "linear_q5_1_few", "linear_q5_1_some", "linear_q5_1_tile"});
inline constexpr BlockKernels kLinearQ8_0 =
    BlockInstances("linear_q8", {"linear_q8_0_one", "linear_q8_0_few", "linear_q8_0_some", "linear_q8_0_tile"});
inline constexpr BlockKernels kLinearW8 =
    BlockInstances("linear_q8", {"linear_w8_one", "linear_w8_few", "linear_w8_some", "linear_w8_tile"});
inline constexpr BlockKernels kLinearQ4_K =
    BlockInstances("linear_k", {"linear_q4_k_one", "linear_q4_k_few", "linear_q4_k_some", "linear_q4_k_tile"});
inline constexpr BlockKernels kLinearQ5_K =
    BlockInstances("linear_k", {"linear_q5_k_one", "linear_q5_k_few", "linear_q5_k_some", "linear_q5_k_tile"});
inline constexpr BlockKernels kLinearQ6_K =
    BlockInstances("linear_k", {"linear_q6_k_one", "linear_q6_k_few", "linear_q6_k_some", "linear_q6_k_tile"});
inline constexpr BlockKernels kLinearIQ4_XS =
    BlockInstances("linear_k", {"linear_iq4_xs_one", "linear_iq4_xs_few", "linear_iq4_xs_some", "linear_iq4_xs_tile"});
inline constexpr PlainKernels kLinearBF16 = PlainInstances("linear_bf16_one", "linear_bf16_tile");
inline constexpr KernelInstance kLinearBF16Matrix =
    LinearInstance<TileStages<NarrowTileGroup>>("linear_plain", "linear_bf16_matrix");
// Of weights in rows.
inline constexpr KernelInstance kLinearBF16Rows =
    LinearInstance<TileStages<NarrowTileGroup>>("linear_plain", "linear_bf16_rows_matrix");
inline constexpr KernelInstance kLinearF16Matrix =
    LinearInstance<TileStages<NarrowTileGroup>>("linear_plain", "linear_f16_matrix");
inline constexpr PlainKernels kLinearF16 = PlainInstances("linear_f16_one", "linear_f16_tile");
inline constexpr PlainKernels kLinearF32 = PlainInstances("linear_f32_one", "linear_f32_tile");

}  // namespace engine::gpu
