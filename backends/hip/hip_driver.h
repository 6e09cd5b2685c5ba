// AMD GPUs through libamdhip64 of ROCm 5, 6 or 7. Nothing of ROCm is needed to build.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/gpu/driver.h"

namespace engine::gpu {

struct HipOptions {
  std::vector<std::string> libraries = {"libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5"};
  std::string modules;  // folder with a folder for each architecture; empty: rocm in ModuleFolder()
  std::vector<std::string> products = {"libhipblaslt.so.1", "libhipblaslt.so.0"};  // the first that is there multiplies
};

// At least 1; the error says whether the driver or the device is missing.
absl::StatusOr<int> CountHipDevices(const HipOptions& options);

absl::StatusOr<std::unique_ptr<GpuDriver>> OpenHipDriver(int ordinal, const HipOptions& options);

}  // namespace engine::gpu
