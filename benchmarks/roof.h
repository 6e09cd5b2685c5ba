// What a step of a model can run into: memory where one token is made, dot products where many are read.
#pragma once

#include <memory>

#include "benchmarks/machine_probe.h"
#include "core/base/dtype.h"
#include "core/base/thread_team.h"
#include "core/device/buffer.h"
#include "core/device/device.h"

namespace engine {

// More than any cache holds: four times the last one, 256 MiB at least.
int64_t UncachedBytes();

enum class Limit { kMemory, kInt8Dots, kBf16Dots, kF32Fmas };

// The dot products that a linear with these weights is made of.
Limit DotLimit(DType weights);
// The same of attention over this cache.
Limit AttentionLimit(DType cache);

class Roof {
 public:
  // Probes with as many threads as `device` has, which must read host memory. Allocates and touches what no cache holds: 256 MiB or more.
  static absl::StatusOr<std::unique_ptr<Roof>> Create(Device& device);

  // Bytes or operations per second, now, in one to three milliseconds. 0 for devices that have no probe.
  double Measure(Limit limit, Clock clock = Clock::kWall);

  ThreadTeam& team() { return *team_; }

 private:
  Roof(const DeviceInfo& device, std::unique_ptr<ThreadTeam> team, Buffer buffer)
      : device_(device), team_(std::move(team)), buffer_(std::move(buffer)) {}

  const DeviceInfo& device_;
  std::unique_ptr<ThreadTeam> team_;
  Buffer buffer_;
  int64_t next_byte_ = 0;  // of the buffer: where the next probe of memory reads on
};

}  // namespace engine
