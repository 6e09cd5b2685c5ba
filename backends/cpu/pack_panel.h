// Checkpoint rows of a block format into panels (panel_layout.h), at about the speed of the memory behind them.
#pragma once

#include "core/kernel/weight_layout.h"

namespace engine::cpu {

// Rows [begin, end), begin at a multiple of kPanelRows; `out` is the start of the whole weight.
void PackBlockPanels(const WeightRows& weight, int64_t begin, int64_t end, std::byte* out);

}  // namespace engine::cpu
