// The limit that a step of a model runs into: memory where one token is made, dot products where many are read.
#pragma once

#include <memory>

#include "core/base/dtype.h"
#include "core/base/thread_team.h"
#include "core/device/buffer.h"
#include "core/device/device.h"

namespace engine {

enum class RoofKind { kMemory, kDotProducts };

class Roof {
 public:
  // Probes with as many threads as `device` has. Allocates a buffer that no cache holds.
  static absl::StatusOr<std::unique_ptr<Roof>> Create(Device& device);

  // Bytes or operations per second, now. 0 where there is no probe: f32 weights, devices other than the CPU.
  double Measure(RoofKind kind, DType weights);

 private:
  Roof(const DeviceInfo& device, std::unique_ptr<ThreadTeam> team, Buffer buffer)
      : device_(device), team_(std::move(team)), buffer_(std::move(buffer)) {}

  const DeviceInfo& device_;
  std::unique_ptr<ThreadTeam> team_;
  Buffer buffer_;
};

}  // namespace engine
