// Every device of this machine whose kernels conformance runs, with the list that its backend registers.
#pragma once

#include <vector>

#include "conformance/check_case.h"

namespace engine {

// One CPU per instruction set that this machine has, best first, and the SIMT device with warps of 32 and 64. With
// ENGINE_CONFORMANCE_CHECKS in the environment, the SIMT devices that check every access instead: those are slow.
std::vector<ConformanceDevice> ConformanceDevices();

}  // namespace engine
