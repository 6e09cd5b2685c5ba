// Every device of this machine whose kernels conformance runs, with the list that its backend registers.
#pragma once

#include <memory>
#include <vector>

#include "core/kernel/registry.h"

namespace engine {

struct ConformanceDevice {
  DeviceInfo info;  // workers are set by each run
  KernelRegistry registry;
  std::unique_ptr<Device> device = nullptr;  // null: its kernels run on a team of threads, in host memory
  bool checks_memory = false;                // it knows which bytes a kernel may touch: fences are not needed
};

// One CPU per instruction set that this machine has, best first, and the SIMT device with warps of 32 and 64. With
// ENGINE_CONFORMANCE_CHECKS in the environment, the SIMT devices that check every access instead: those are slow.
std::vector<ConformanceDevice> ConformanceDevices();

}  // namespace engine
