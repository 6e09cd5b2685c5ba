// Every device of this machine whose kernels conformance runs, with the list that its backend registers.
#pragma once

#include <vector>

#include "core/kernel/registry.h"

namespace engine {

struct ConformanceDevice {
  DeviceInfo info;  // workers are set by each run
  KernelRegistry registry;
};

// One CPU per instruction set that this machine has, best first.
std::vector<ConformanceDevice> ConformanceDevices();

}  // namespace engine
