// Everything the x86 server can run, in order of preference.
#pragma once

#include "core/kernel/registry.h"

namespace engine {

void RegisterCpuKernels(KernelRegistry& registry);

}  // namespace engine
