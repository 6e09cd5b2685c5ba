// A GPU that is this process: kernels compiled for the CPU, queues that run late and in any order, memory that the host
// cannot touch. For tests, and for everyone without a GPU.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "backends/gpu/driver.h"
#include "backends/simt/simt_launch.h"

namespace engine::gpu {

struct SimtOptions {
  int warp = 32;             // or 64
  bool checks = false;       // the checking build of the kernels: bounds, races, reads of what nobody wrote
  uint64_t seed = 0;         // of the order of queues and, if it is not 0, of the threads of kernels
  int64_t memory_bytes = 0;  // of each device; 0: its part of the host's
  // With checks: called with what each launch cost, on the thread that runs it.
  std::function<void(std::string_view kernel, const SimtCounters& counters)> count = nullptr;
};

// Devices that reach each other's memory and await each other's events, each with its part of the host's memory. NotFound
// if this build has no such kernels.
absl::StatusOr<std::vector<std::unique_ptr<GpuDriver>>> OpenSimtDrivers(const SimtOptions& options, int count);
// One alone.
absl::StatusOr<std::unique_ptr<GpuDriver>> OpenSimtDriver(const SimtOptions& options);

// `which` is what follows "simt" in a device's name: "", ":32", ":64", ":check32" or ":check64". The seed is
// ENGINE_SIMT_SEED's, the memory ENGINE_SIMT_MEMORY's.
absl::StatusOr<SimtOptions> ParseSimtOptions(std::string_view which);

}  // namespace engine::gpu
