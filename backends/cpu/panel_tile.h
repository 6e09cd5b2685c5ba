// The inner kernels of linears: one panel of 16 outputs times a tile of tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/dtype.h"

namespace engine::cpu {

// Activations of a tile of T tokens are packed for sequential reading.
// For block formats, per chunk of 16 groups of 32 values of k, so that a row moves by whole vectors:
//   values  int8[16 groups][T][32]
//   starts  int32[segments][T][16 groups]  -zero_point * (sum of the token's values in the segment)
//   scales  f32[T][16 groups]
//   sums    f32[T][16 groups]              sum of the token's 32 values; only for weights with an offset
// What stands for groups beyond k is undefined.
// For plain formats: units, [units][T]; a unit is a pair of bf16, an odd k padded with +0, or one f32. It has four bytes; a
// pair that is widened to f32 has eight (PanelTileCode::unit_bytes).
inline constexpr int kTileGroups = 16;

// Groups that share a scale where a kernel of class fast makes them, 128 values.
inline constexpr int kRunGroups = 4;

struct TileShape {
  int tokens;
  int segments;
  bool has_offset;

  constexpr int line_bytes() const { return kTileGroups * 4; }  // one number per group
  constexpr int starts_at() const { return kTileGroups * 32 * tokens; }
  constexpr int scales_at() const { return starts_at() + segments * tokens * line_bytes(); }
  constexpr int sums_at() const { return scales_at() + tokens * line_bytes(); }
  constexpr int chunk_bytes() const { return sums_at() + (has_offset ? tokens * line_bytes() : 0); }
};
inline constexpr int kUnitBytes = 4;

// Tiles exist for these numbers of tokens.
inline constexpr int kTileTokens[] = {1, 2, 4, 8, 16};
inline constexpr int kNumTileSizes = 5;
inline constexpr int kMaxTileTokens = 16;

struct PanelTile {
  const std::byte* panel;  // backends/cpu/panel_layout.h
  const std::byte* activations;
  int64_t k;
  std::span<const float> row_scales;  // of the panel's rows; for weights without scales of their own
  float* out;                         // [tokens][16], a token's at out + token * out_stride
  int64_t out_stride;
};

// Numerics rules 3 and 4 for each of the tile's tokens and outputs; one function per kTileTokens.
struct PanelTileCode {
  void (*run[kNumTileSizes])(const PanelTile& tile);
  // The largest tile where each run of kRunGroups has one scale, in an order of its own. Null for formats that have
  // offsets or two scales in a group: what those take per group, and the registers for it, leave nothing to gain.
  void (*run_shared)(const PanelTile& tile) = nullptr;
  int unit_bytes = kUnitBytes;  // of plain formats
};

namespace portable {
PanelTileCode BlockTileCodeOf(DType weight);
PanelTileCode PlainTileCodeOf(DType weight);
}  // namespace portable
namespace avx2 {
PanelTileCode BlockTileCodeOf(DType weight);
PanelTileCode PlainTileCodeOf(DType weight);
}  // namespace avx2
namespace avx512 {
PanelTileCode BlockTileCodeOf(DType weight);
PanelTileCode PlainTileCodeOf(DType weight);
}  // namespace avx512

}  // namespace engine::cpu
