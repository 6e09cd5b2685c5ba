#include "backends/cpu/activation_tiles.h"

#include <algorithm>
#include <cstring>

#include "core/tensor/q8_row.h"

namespace engine::cpu {

RowTile TileAt(int64_t first_row, int64_t num_rows) {
  const int64_t left = num_rows - first_row;
  int index = kNumTileSizes - 1;
  // A tile takes about the time of its tokens once it has more than 4: 9 to 12 rows are cheaper in two tiles than in 16.
  while (index > 0 && left <= kTileTokens[index - 1] + (index == kNumTileSizes - 1 ? 4 : 0)) --index;
  return {first_row, static_cast<int>(std::min<int64_t>(left, kTileTokens[index])), index};
}

ActivationTiles::ActivationTiles(DType weight, int64_t k)
    : format_(RecordOf(weight)), k_(k), unit_values_(weight == DType::kBF16 ? 2 : 1) {}

int64_t ActivationTiles::tile_bytes(int tokens) const {
  if (is_block()) return k_ / kPanelGroup * ShapeFor(tokens).group_bytes();
  return (k_ + unit_values_ - 1) / unit_values_ * kUnitBytes * tokens;
}

void ActivationTiles::Pack(const RowTile& tile, const std::byte* rows, std::byte* out) const {
  if (tile.rows < tile.tokens()) std::memset(out, 0, tile_bytes(tile.tokens()));
  if (!is_block()) return PackUnits(tile, rows, out);
  for (int64_t group = 0; group < k_ / kPanelGroup; ++group) {
    PackGroup(tile, rows, group, out);
    out += ShapeFor(tile.tokens()).group_bytes();
  }
}

void ActivationTiles::PackUnits(const RowTile& tile, const std::byte* rows, std::byte* out) const {
  const int64_t row_bytes = k_ * kUnitBytes / unit_values_;
  for (int t = 0; t < tile.rows; ++t) {
    const std::byte* row = rows + (tile.first_row + t) * row_bytes;
    std::byte* place = out + t * kUnitBytes;
    int64_t at = 0;
    for (; at + kUnitBytes <= row_bytes; at += kUnitBytes, place += tile.tokens() * kUnitBytes) {
      std::memcpy(place, row + at, kUnitBytes);
    }
    if (at == row_bytes) continue;
    std::memset(place, 0, kUnitBytes);
    std::memcpy(place, row + at, row_bytes - at);
  }
}

void ActivationTiles::PackGroup(const RowTile& tile, const std::byte* rows, int64_t group, std::byte* out) const {
  const int tokens = tile.tokens();
  const TileShape shape = ShapeFor(tokens);
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
