// A library of kernels compiled for the CPU, with the runtime that executes them (simt_launch.h).
#pragma once

#include <string>

#include "backends/gpu/driver.h"
#include "backends/simt/simt_launch.h"
#include "core/base/shared_library.h"

namespace engine::gpu {

class SimtModule {
 public:
  static absl::StatusOr<SimtModule> Open(const std::string& path);

  absl::StatusOr<GpuFunction> Find(const KernelInstance& kernel) const;
  // `counters`, which may be null, are added to by the checking libraries.
  absl::Status Launch(const GpuLaunch& launch, uint64_t seed, SimtCounters* counters) const;
  void Notify(SimtMemoryEvent event, const std::byte* begin, int64_t bytes) const {
    memory_(event, begin, static_cast<uint64_t>(bytes));
  }

 private:
  SharedLibrary library_;
  decltype(&engine_simt_launch) launch_ = nullptr;
  decltype(&engine_simt_memory) memory_ = nullptr;
};

}  // namespace engine::gpu
