// What GPUs can do: one list for all of them, as there is one source.
#pragma once

#include <string_view>

#include "core/kernel/registry.h"

namespace engine::gpu {

// Entries and weight layouts for devices of `kind`: "cuda", "rocm" or "simt", whose letters the registry borrows. Without
// references: those read host memory.
void RegisterGpuKernels(KernelRegistry& registry, std::string_view kind);

}  // namespace engine::gpu
