// The weight layout of backends/gpu/weight_panel.h, for the host: packing and unpacking.
#pragma once

#include "core/base/status.h"
#include "core/kernel/weight_layout.h"

namespace engine::gpu {

inline constexpr LayoutId kPanel32{"panel32"};
// Raise it with every change of the bytes: packed files of another version are refused.
inline constexpr int kPanel32Version = 1;

// Holds every weight dtype but the 4-bit ones with zero points of their own (w4_gN); unpacks the plain ones.
const WeightLayout& PanelLayout();

// OK for the dtypes that PanelLayout holds; else a sentence for kernels that decline.
absl::Status RequireHeld(DType weight);

}  // namespace engine::gpu
