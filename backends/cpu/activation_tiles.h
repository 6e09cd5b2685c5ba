// Rows of activations rearranged into tiles for the panel kernels (backends/cpu/panel_tile.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/panel_layout.h"
#include "backends/cpu/panel_tile.h"
#include "backends/cpu/row_arithmetic.h"

namespace engine::cpu {

// A run of rows that one tile computes. Tiles have fixed sizes, so the last one of a step may hold more tokens than rows;
// the surplus is zeros.
struct RowTile {
  int64_t first_row;
  int rows;
  int size_index;  // into kTileTokens

  int tokens() const { return kTileTokens[size_index]; }
};

// The tile that starts at `first_row` of `num_rows`: as large as the rows fill, or padded where that costs less than
// another pass over the weights.
RowTile TileAt(int64_t first_row, int64_t num_rows);

// Up to kTileGroups groups of a row (core/tensor/q8_row.h).
struct Q8Chunk {
  const int8_t* values;
  const float* scales;
  const int16_t* sums;
  int groups;
};
struct Q8Numbers {
  alignas(64) int8_t values[kTileGroups * kPanelGroup];
  float scales[kTileGroups];
  int16_t sums[kTileGroups * 2];
};

class ActivationTiles {
 public:
  // For weights of this format with rows of k values, and of plain ones units of this size. Given `sharing`, which block
  // formats can have, each run of kRunGroups in the largest tiles gets one scale.
  ActivationTiles(DType weight, int64_t k, int unit_bytes = kUnitBytes, const RowCode* sharing = nullptr);

  int64_t tile_bytes(int tokens) const;
  // For any number of rows up to max_rows.
  int64_t bytes(int64_t max_rows) const { return tile_bytes(1) * (max_rows + kMaxTileTokens); }
  // Where the tile that starts at `first_row` begins, given that every tile before it is full.
  int64_t offset(int64_t first_row) const { return first_row * tile_bytes(1); }

  // `rows`: all rows of the step, in the dtype that goes with the weight (ops/linear.h).
  void Pack(const RowTile& tile, const std::byte* rows, std::byte* out) const;

 private:
  bool is_block() const { return format_.values > 0; }
  TileShape ShapeFor(int tokens) const { return {tokens, 32 / format_.segment, format_.has_offset}; }
  void WidenUnits(const RowTile& tile, const std::byte* rows, std::byte* out) const;
  void PackUnits(const RowTile& tile, const std::byte* rows, std::byte* out) const;
  // Groups [first, first + kTileGroups) of a row, into the tile's chunk of those.
  void PackChunk(const std::byte* row, int64_t first, const TileShape& shape, int token, std::byte* out) const;
  void ShareScales(const Q8Chunk& chunk, Q8Numbers& out) const;

  PanelRecord format_;
  int64_t k_;
  int64_t unit_values_;     // of plain formats
  int64_t unit_bytes_;      // the same
  const RowCode* sharing_;  // or null
};

}  // namespace engine::cpu
