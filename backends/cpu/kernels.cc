#include "backends/cpu/kernels.h"

namespace engine {

void RegisterCpuKernels(KernelRegistry& registry) {
  registry.Add("cpu", RowMajorLayout());
}

}  // namespace engine
