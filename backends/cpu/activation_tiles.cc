#include "backends/cpu/activation_tiles.h"

#include <cstring>

#include "core/tensor/q8_row.h"

namespace engine::cpu {

RowTile TileAt(int64_t first_row, int64_t num_rows) {
  const int64_t left = num_rows - first_row;
  int index = kNumTileSizes - 1;
  // A tile takes about the time of its tokens once it has more than 4: 9 to 12 rows are cheaper in two tiles than in 16.
  while (index > 0 && left <= kTileTokens[index - 1] + (index == kNumTileSizes - 1 ? 4 : 0)) --index;
  const int64_t rows = left < kTileTokens[index] ? left : kTileTokens[index];
  return {first_row, static_cast<int>(rows), index};
}

ActivationTiles::ActivationTiles(DType weight, int64_t k) : format_(RecordOf(weight)), k_(k) {}

int64_t ActivationTiles::bytes(int64_t max_rows) const { return tile_bytes(1) * (max_rows + kMaxTileTokens); }

void ActivationTiles::Pack(const RowTile& tile, const std::byte* rows, std::byte* out) const {
  for (int64_t group = 0; group < k_ / kPanelGroup; ++group) {
    PackGroup(tile, rows, group, out);
    out += ShapeFor(tile.tokens()).group_bytes();
  }
}

void ActivationTiles::PackGroup(const RowTile& tile, const std::byte* rows, int64_t group, std::byte* out) const {
  const int tokens = tile.tokens();
  const TileShape shape = ShapeFor(tokens);
  if (tile.rows < tokens) std::memset(out, 0, shape.group_bytes());
  auto* starts = reinterpret_cast<int32_t*>(out + shape.starts_at());
  auto* scales = reinterpret_cast<float*>(out + shape.scales_at());
  auto* sums = reinterpret_cast<float*>(out + shape.sums_at());
  for (int t = 0; t < tile.rows; ++t) {
    const std::byte* bytes = rows + (tile.first_row + t) * Q8RowBytes(k_);
    const auto* row_scales = reinterpret_cast<const float*>(bytes + Q8ScalesOffset(k_));
    const auto* row_sums = reinterpret_cast<const int16_t*>(bytes + Q8SumsOffset(k_));
    for (int quad = 0; quad < 8; ++quad) {
      std::memcpy(out + (quad * tokens + t) * 4, bytes + group * kPanelGroup + quad * 4, 4);
    }
    const int first = row_sums[2 * group], second = row_sums[2 * group + 1];
    starts[t] = -format_.zero_point * (shape.segments == 1 ? first + second : first);
    if (shape.segments == 2) starts[tokens + t] = -format_.zero_point * second;
    scales[t] = row_scales[group];
    if (shape.has_offset) sums[t] = static_cast<float>(first + second);
  }
}

}  // namespace engine::cpu
