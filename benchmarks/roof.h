// What a step of a model can run into: memory where one token is made, dot products where many are read.
#pragma once

#include <memory>

#include "benchmarks/gpu_probe.h"
#include "benchmarks/machine_probe.h"
#include "core/base/dtype.h"
#include "core/base/thread_team.h"
#include "core/device/buffer.h"
#include "core/device/device.h"

namespace engine {

// More than any cache of the device holds: of a CPU four times the last cache, 256 MiB at least. SIMT is bound by what its
// kernels do, not by memory, all of which each launch opens and closes: there it is little.
int64_t UncachedBytes(const DeviceInfo& device);

enum class Limit { kMemory, kInt8Dots, kBf16Dots, kF32Fmas };

// The dot products that a linear with these weights is made of.
Limit DotLimit(DType weights);
// The same of attention over this cache.
Limit AttentionLimit(DType cache);

class Roof {
 public:
  // Probes a CPU with as many threads as `device` has, and any other device with kernels of its own. Allocates, and on a CPU
  // touches, what no cache holds: 256 MiB or more.
  static absl::StatusOr<std::unique_ptr<Roof>> Create(Device& device);

  // Bytes or operations per second, now, in one to four milliseconds; 0 if the device fails. A GPU has one clock, and
  // its dot products are those of its matrix units.
  double Measure(Limit limit, Clock clock = Clock::kWall);

  ThreadTeam& team() { return *team_; }  // a CPU's

 private:
  explicit Roof(const DeviceInfo& device) : device_(device) {}
  Roof(const DeviceInfo& device, std::unique_ptr<ThreadTeam> team, Buffer buffer)
      : device_(device), team_(std::move(team)), buffer_(std::move(buffer)) {}

  const DeviceInfo& device_;
  std::unique_ptr<ThreadTeam> team_;
  Buffer buffer_;
  std::unique_ptr<GpuProbe> gpu_;
  int64_t next_byte_ = 0;  // of the buffer: where the next probe of memory reads on
};

}  // namespace engine
