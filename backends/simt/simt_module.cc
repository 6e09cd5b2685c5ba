#include "backends/simt/simt_module.h"

#include <dlfcn.h>

#include <array>

namespace engine::gpu {

absl::StatusOr<SimtModule> SimtModule::Open(const std::string& path) {
  SimtModule module;
  module.path_ = path;
  module.library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module.library_ == nullptr) return NotFound("cannot load kernels: %s", dlerror());
  module.launch_ = reinterpret_cast<decltype(launch_)>(dlsym(module.library_, "engine_simt_launch"));
  module.memory_ = reinterpret_cast<decltype(memory_)>(dlsym(module.library_, "engine_simt_memory"));
  if (module.launch_ != nullptr && module.memory_ != nullptr) return module;
  return NotFound("%s has no engine_simt_launch: it does not belong to this engine", path);
}

absl::StatusOr<GpuFunction> SimtModule::Find(const KernelInstance& kernel) const {
  void* function = dlsym(library_, std::string(kernel.name).c_str());
  if (function != nullptr) return GpuFunction{function};
  return NotFound("%s has no kernel %s: it does not belong to this engine", path_, kernel.name);
}

absl::Status SimtModule::Launch(const GpuLaunch& launch, uint64_t seed) const {
  const std::string name(launch.kernel.name);
  const auto blocks = [](int64_t count) { return static_cast<uint32_t>(count); };
  const SimtLaunch request{.kernel = reinterpret_cast<SimtKernel>(launch.function.handle),
                           .name = name.c_str(),
                           .grid = {blocks(launch.grid.x), blocks(launch.grid.y), blocks(launch.grid.z)},
                           .block = {static_cast<uint32_t>(launch.kernel.threads), 1, 1},
                           .shared_bytes = 0,
                           .args = launch.args,
                           .args_bytes = static_cast<uint64_t>(launch.kernel.args_bytes),
                           .seed = seed,
                           .counters = nullptr};
  std::array<char, 1024> error{};
  if (launch_(&request, error.data(), error.size()) == 0) return absl::OkStatus();
  return absl::InternalError(error.data());
}

}  // namespace engine::gpu
