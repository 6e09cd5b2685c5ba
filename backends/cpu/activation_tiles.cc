#include "backends/cpu/activation_tiles.h"

#include <algorithm>
#include <cstring>

#include "core/base/bf16.h"
#include "core/tensor/q8_row.h"

namespace engine::cpu {

namespace {

// Where the numbers of one token go that come from its sums of 16 values.
struct SumLines {
  int zero_point;
  int32_t* first_starts;
  int32_t* second_starts;  // null where a group is one segment
  float* sums;             // null without an offset
};

// sums: [groups][2]
void PackSums(const int16_t* sums, int groups, const SumLines& out) {
  if (out.second_starts != nullptr) {
    for (int g = 0; g < groups; ++g) out.first_starts[g] = -out.zero_point * sums[2 * g];
    for (int g = 0; g < groups; ++g) out.second_starts[g] = -out.zero_point * sums[2 * g + 1];
  } else {
    for (int g = 0; g < groups; ++g) out.first_starts[g] = -out.zero_point * (sums[2 * g] + sums[2 * g + 1]);
  }
  if (out.sums == nullptr) return;
  for (int g = 0; g < groups; ++g) out.sums[g] = static_cast<float>(sums[2 * g] + sums[2 * g + 1]);
}

}  // namespace

RowTile TileAt(int64_t first_row, int64_t num_rows) {
  const int64_t left = num_rows - first_row;
  int index = kNumTileSizes - 1;
  // A tile takes about the time of its tokens once it has more than 4: 9 to 12 rows are cheaper in two tiles than in 16.
  while (index > 0 && left <= kTileTokens[index - 1] + (index == kNumTileSizes - 1 ? 4 : 0)) --index;
  return {first_row, static_cast<int>(std::min<int64_t>(left, kTileTokens[index])), index};
}

ActivationTiles::ActivationTiles(DType weight, int64_t k, int unit_bytes, const RowCode* sharing)
    : format_(RecordOf(weight)),
      k_(k),
      unit_values_(weight == DType::kBF16 ? 2 : 1),
      unit_bytes_(unit_bytes),
      sharing_(sharing) {}

int64_t ActivationTiles::tile_bytes(int tokens) const {
  constexpr int64_t kChunk = kTileGroups * kPanelGroup;
  if (is_block()) return (k_ + kChunk - 1) / kChunk * ShapeFor(tokens).chunk_bytes();
  return (k_ + unit_values_ - 1) / unit_values_ * unit_bytes_ * tokens;
}

void ActivationTiles::Pack(const RowTile& tile, const std::byte* rows, std::byte* out) const {
  if (tile.rows < tile.tokens()) std::memset(out, 0, tile_bytes(tile.tokens()));
  if (!is_block()) return unit_bytes_ > kUnitBytes ? WidenUnits(tile, rows, out) : PackUnits(tile, rows, out);
  const TileShape shape = ShapeFor(tile.tokens());
  const int64_t row_bytes = Q8RowBytes(k_);
  for (int64_t first = 0; first < k_ / kPanelGroup; first += kTileGroups, out += shape.chunk_bytes()) {
    const std::byte* row = rows + tile.first_row * row_bytes;
    for (int t = 0; t < tile.rows; ++t, row += row_bytes) {
      // Rows are too far apart for the hardware to see where the next part begins.
      for (int i = 0; t + 1 < tile.rows && i < kTileGroups * kPanelGroup; i += 64) {
        __builtin_prefetch(row + row_bytes + first * kPanelGroup + i);
      }
      PackChunk(row, first, shape, t, out);
    }
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

void ActivationTiles::WidenUnits(const RowTile& tile, const std::byte* rows, std::byte* out) const {
  for (int t = 0; t < tile.rows; ++t) {
    const auto* row = reinterpret_cast<const uint16_t*>(rows) + (tile.first_row + t) * k_;
    float* pair = reinterpret_cast<float*>(out) + 2 * t;
    for (int64_t i = 0; i < k_; i += 2, pair += 2 * tile.tokens()) {
      pair[0] = Bf16ToF32(row[i]);
      pair[1] = i + 1 < k_ ? Bf16ToF32(row[i + 1]) : 0.0f;
    }
  }
}

void ActivationTiles::PackChunk(const std::byte* row, int64_t first, const TileShape& shape, int token,
                                std::byte* out) const {
  const auto* values = reinterpret_cast<const int8_t*>(row);
  const auto* scales = reinterpret_cast<const float*>(row + Q8ScalesOffset(k_));
  const auto* sums = reinterpret_cast<const int16_t*>(row + Q8SumsOffset(k_));
  const int groups = static_cast<int>(std::min<int64_t>(kTileGroups, k_ / kPanelGroup - first));
  Q8Chunk chunk{values + first * kPanelGroup, scales + first, sums + 2 * first, groups};
  Q8Numbers shared;
  if (sharing_ != nullptr && shape.tokens == kMaxTileTokens) {
    ShareScales(chunk, shared);
    chunk = {shared.values, shared.scales, shared.sums, groups};
  }
  const auto line = [&](int at, int index) { return out + at + index * shape.line_bytes(); };
  const SumLines lines = {
      .zero_point = format_.zero_point,
      .first_starts = reinterpret_cast<int32_t*>(line(shape.starts_at(), token)),
      .second_starts =
          shape.segments == 2 ? reinterpret_cast<int32_t*>(line(shape.starts_at(), shape.tokens + token)) : nullptr,
      .sums = shape.has_offset ? reinterpret_cast<float*>(line(shape.sums_at(), token)) : nullptr};
  for (int g = 0; g < groups; ++g) {
    std::memcpy(out + (g * shape.tokens + token) * kPanelGroup, chunk.values + g * kPanelGroup, kPanelGroup);
  }
  std::memcpy(line(shape.scales_at(), token), chunk.scales, groups * sizeof(float));
  PackSums(chunk.sums, groups, lines);
}

void ActivationTiles::ShareScales(const Q8Chunk& chunk, Q8Numbers& out) const {
  for (int g = 0; g < chunk.groups; g += kRunGroups) {
    const int groups = std::min(kRunGroups, chunk.groups - g);
    const float scale = sharing_->share_scale({.values = chunk.values + g * kPanelGroup,
                                               .scales = chunk.scales + g,
                                               .groups = groups,
                                               .out = out.values + g * kPanelGroup,
                                               .out_sums = out.sums + 2 * g});
    std::fill_n(out.scales + g, groups, scale);
  }
}

}  // namespace engine::cpu
