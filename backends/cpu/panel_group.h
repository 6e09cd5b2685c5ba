// One row of one group of 32 values inside a record, read back.
#pragma once

#include <array>

#include "backends/cpu/panel_layout.h"

namespace engine::cpu {

// A group as stored: integers with their zero point, and the raw numbers that scale them, per segment.
struct PanelGroupRow {
  std::array<uint8_t, 32> stored;
  int zero_point;
  uint16_t d_bits;
  uint16_t offset_bits;
  std::array<int8_t, 2> scale_levels;  // one per segment
  int8_t offset_level;
};

// `group` counts from the start of the record, `row` from the start of the panel.
void ReadGroup(const PanelRecord& format, const std::byte* record, int group, int row, PanelGroupRow& out);

}  // namespace engine::cpu
