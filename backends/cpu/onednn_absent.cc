// What a build without oneDNN lists in its place.
#include "backends/cpu/op_kernels.h"

namespace engine::cpu {

std::vector<KernelEntry> LinearOneDnnKernels() { return {}; }

}  // namespace engine::cpu
