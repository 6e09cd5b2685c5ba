// The entries of each op, best first.
#pragma once

#include "core/kernel/kernel.h"

namespace engine::gpu {

KernelEntry AddKernel();

}  // namespace engine::gpu
