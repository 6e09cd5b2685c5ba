#include "backends/simt/simt_module.h"

#include <array>

namespace engine::gpu {

absl::StatusOr<SimtModule> SimtModule::Open(const std::string& path) {
  SimtModule module;
  ASSIGN_OR_RETURN(module.library_, SharedLibrary::Open(std::array{path}));
  FunctionLoader loader(module.library_);
  loader.Load("engine_simt_launch", module.launch_);
  loader.Load("engine_simt_memory", module.memory_);
  RETURN_IF_ERROR(loader.status());
  return module;
}

absl::StatusOr<GpuFunction> SimtModule::Find(const KernelInstance& kernel) const {
  void* function = library_.Find(std::string(kernel.name).c_str());
  if (function != nullptr) return GpuFunction{function};
  return NotFound("%s has no kernel %s: it does not belong to this engine", library_.name(), kernel.name);
}

absl::Status SimtModule::Launch(const GpuLaunch& launch, uint64_t seed, SimtCounters* counters) const {
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
                           .counters = counters};
  std::array<char, 1024> error{};
  if (launch_(&request, error.data(), error.size()) == 0) return absl::OkStatus();
  return absl::InternalError(error.data());
}

}  // namespace engine::gpu
