// Quantised rows rearranged into tiles for the panel kernels (backends/cpu/panel_tile.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/panel_layout.h"
#include "backends/cpu/panel_tile.h"

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

class ActivationTiles {
 public:
  ActivationTiles(DType weight, int64_t k);

  int64_t tile_bytes(int tokens) const { return k_ / kPanelGroup * ShapeFor(tokens).group_bytes(); }
  // For any number of rows up to max_rows.
  int64_t bytes(int64_t max_rows) const;
  // Where the tile that starts at `first_row` begins, given that every tile before it is full.
  int64_t offset(int64_t first_row) const { return first_row * tile_bytes(1); }

  // `rows`: all kQ8Group rows of the step.
  void Pack(const RowTile& tile, const std::byte* rows, std::byte* out) const;

 private:
  TileShape ShapeFor(int tokens) const { return {tokens, 32 / format_.segment, format_.has_offset}; }
  void PackGroup(const RowTile& tile, const std::byte* rows, int64_t group, std::byte* out) const;

  PanelRecord format_;
  int64_t k_;
};

}  // namespace engine::cpu
