// Every GPU kernel, once. Registry, conformance, budgets and selftest walk this list.
#pragma once

#include "backends/gpu/add.h"

namespace engine::gpu {

inline constexpr const KernelInstance* kInstances[] = {
    &kAdd,
};

}  // namespace engine::gpu
