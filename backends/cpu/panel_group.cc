#include "backends/cpu/panel_group.h"

#include <cstring>

namespace engine::cpu {
namespace {

constexpr int kRows = static_cast<int>(kPanelRows);

// Addresses of a group's fields for one row.
struct Fields {
  const std::byte* d;
  const std::byte* zero_point;
  const std::byte* offset;
  const std::byte* scale_levels;  // segments follow at a distance of 16 bytes
  const std::byte* offset_level;
  const std::byte* low;   // quads follow at a distance of 64 bytes
  const std::byte* high;  // planes likewise

  Fields(const PanelRecord& format, const std::byte* record, int group, int row) {
    const int scale_index = group * static_cast<int>(kPanelGroup) / format.block * kRows + row;
    d = record + 2 * scale_index;
    zero_point = record + format.zero_points_at + scale_index;
    offset = record + format.offset_at + 2 * scale_index;
    scale_levels = record + format.scale_levels_at + group * (32 / format.segment) * kRows + row;
    offset_level = record + format.offset_levels_at + group * kRows + row;
    low = record + format.groups_at + group * format.group_bytes + 4 * row;
    high = low + format.low_bits * 64;
  }
};

int Segments(const PanelRecord& format) { return 32 / format.segment; }

uint8_t ByteAt(const std::byte* at) { return static_cast<uint8_t>(*at); }

}  // namespace

void ReadGroup(const PanelRecord& format, const std::byte* record, int group, int row, PanelGroupRow& out) {
  const Fields fields(format, record, group, row);
  out = {.zero_point = format.zero_point, .scale_levels = {1, 1}, .offset_level = 1};
  if (format.has_zero_points) out.zero_point = ByteAt(fields.zero_point);
  constexpr uint16_t kOne = 0x3c00;
  out.d_bits = kOne;
  if (format.has_scale) std::memcpy(&out.d_bits, fields.d, sizeof(out.d_bits));
  if (format.has_offset) std::memcpy(&out.offset_bits, fields.offset, sizeof(out.offset_bits));
  if (format.has_levels) {
    for (int s = 0; s < Segments(format); ++s)
      out.scale_levels[s] = static_cast<int8_t>(fields.scale_levels[s * kRows]);
    if (format.has_offset) out.offset_level = static_cast<int8_t>(*fields.offset_level);
  }
  for (int i = 0; i < 32; ++i) {
    const int quad = i / 4;
    int stored = 0;
    if (format.low_bits == 8) {
      stored = ByteAt(&fields.low[quad * 64 + i % 4]);
    } else {
      stored = ByteAt(&fields.low[quad % 4 * 64 + i % 4]) >> quad / 4 * 4 & 15;
    }
    if (format.high_bits == 1) stored |= (ByteAt(&fields.high[i % 4]) >> quad & 1) << 4;
    if (format.high_bits == 2) stored |= (ByteAt(&fields.high[quad / 4 * 64 + i % 4]) >> quad % 4 * 2 & 3) << 4;
    if (format.has_grid) stored = kPanelGrid[stored];
    out.stored[i] = static_cast<uint8_t>(stored);
  }
}

}  // namespace engine::cpu
