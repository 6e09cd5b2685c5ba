// NVIDIA GPUs through the driver API of libcuda, which comes with NVIDIA's driver. Nothing of CUDA is needed to build.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/gpu/driver.h"

namespace engine::gpu {

struct CudaOptions {
  std::string library = "libcuda.so.1";
  std::string modules;  // folder of the kernels; empty: cuda in ModuleFolder()
  std::vector<std::string> products = {"libcublasLt.so.13", "libcublasLt.so.12"};  // the first that is there multiplies
};

// At least 1; the error says whether the driver or the device is missing.
absl::StatusOr<int> CountCudaDevices(const CudaOptions& options);

absl::StatusOr<std::unique_ptr<GpuDriver>> OpenCudaDriver(int ordinal, const CudaOptions& options);

}  // namespace engine::gpu
