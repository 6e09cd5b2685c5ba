// The weight layout of backends/gpu/weight_panel.h, for the host: packing and unpacking.
#pragma once

#include "core/kernel/weight_layout.h"

namespace engine::gpu {

inline constexpr LayoutId kPanel32{"panel32"};
// Raise it with every change of the bytes: packed files of another version are refused.
inline constexpr int kPanel32Version = 1;

// Holds every weight dtype; unpacks the plain ones.
const WeightLayout& PanelLayout();

// Of one panel with rows of k values.
int64_t PanelBytes(DType dtype, int64_t k);

}  // namespace engine::gpu
