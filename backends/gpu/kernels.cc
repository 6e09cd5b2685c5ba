#include "backends/gpu/kernels.h"

#include "backends/gpu/op_kernels.h"

namespace engine::gpu {

void RegisterGpuKernels(KernelRegistry& registry, std::string_view kind) { registry.Add(kind, AddKernel()); }

}  // namespace engine::gpu
