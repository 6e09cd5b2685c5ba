// Entries of linear and gated_mlp over packed weights.
#pragma once

#include <array>

#include "core/kernel/kernel.h"

namespace engine::cpu {

// Best instruction set first.
std::array<KernelEntry, 3> LinearPanelKernels();
std::array<KernelEntry, 3> GatedMlpPanelKernels();

}  // namespace engine::cpu
