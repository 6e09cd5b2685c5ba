#include <cstdio>
#include <mutex>
#include <string>

#include "backends/simt/checks.h"
#include "backends/simt/machine.h"
#include "backends/simt/simt_launch.h"

namespace engine::simt {
namespace {

std::string Problem(const SimtLaunch& launch) {
  const uint32_t threads = launch.block[0];
  if (launch.block[1] != 1 || launch.block[2] != 1 || threads == 0 || threads > kMaxThreads || threads % kWarp != 0) {
    return "a block of " + std::to_string(threads) + " x " + std::to_string(launch.block[1]) + " x " +
           std::to_string(launch.block[2]) + " threads; it must be a row of whole warps of " + std::to_string(kWarp) +
           ", at most " + std::to_string(kMaxThreads);
  }
  // CUDA's limits; a grid of nothing is an error there too.
  if (launch.grid[0] == 0 || launch.grid[0] > 0x7fffffffu || launch.grid[1] == 0 || launch.grid[1] > 65535 ||
      launch.grid[2] == 0 || launch.grid[2] > 65535) {
    return "a grid of " + std::to_string(launch.grid[0]) + " x " + std::to_string(launch.grid[1]) + " x " +
           std::to_string(launch.grid[2]) + " blocks; x goes from 1 to 2147483647, y and z to 65535";
  }
  if (launch.shared_bytes != 0) {
    return std::to_string(launch.shared_bytes) + " bytes of dynamic shared memory; kernels declare theirs";
  }
  return {};
}

// Launches and changes of memory take turns, whichever threads they come from.
std::mutex& Turn() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace
}  // namespace engine::simt

[[gnu::visibility("default")]] int engine_simt_launch(const SimtLaunch* launch, char* error, size_t error_size) {
  const std::lock_guard turn(engine::simt::Turn());
  std::string message = engine::simt::Problem(*launch);
  if (!message.empty()) message = std::string(launch->name) + ": " + message;
  if (message.empty()) message = engine::simt::TheMachine().Run(*launch);
  if (message.empty()) return 0;
  std::snprintf(error, error_size, "%s", message.c_str());
  return 1;
}

[[gnu::visibility("default")]] void engine_simt_memory(SimtMemoryEvent event, const void* begin, uint64_t bytes) {
  const std::lock_guard turn(engine::simt::Turn());
  engine::simt::MemoryChanged(event, begin, bytes);
}
