// Entries of linear and gated_mlp over packed weights.
#pragma once

#include <array>
#include <vector>

#include "core/kernel/kernel.h"

namespace engine::cpu {

// Best instruction set first.
std::array<KernelEntry, 3> LinearPanelKernels();
std::array<KernelEntry, 3> GatedMlpPanelKernels();

// bf16 and f32 weights by oneDNN; empty in a build without it.
std::vector<KernelEntry> LinearOneDnnKernels();

}  // namespace engine::cpu
