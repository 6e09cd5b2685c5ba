// Who runs a kernel for conformance: a team of threads over fenced host memory, or a device over a copy of it.
#pragma once

#include <memory>
#include <vector>

#include "conformance/guarded_bytes.h"
#include "core/base/thread_team.h"
#include "core/device/device.h"
#include "core/kernel/kernel.h"

namespace engine {

// Tensors and scratch of one launch, each in memory of its own.
struct FencedLaunch {
  std::vector<GuardedBytes> in, out;
  GuardedBytes scratch;
  std::vector<const TensorSpec*> in_specs, out_specs;
  StepExtents extents;
};

class Launcher {
 public:
  virtual ~Launcher() = default;
  // Fences and inputs are checked by the caller.
  virtual absl::Status Launch(const Kernel& kernel, FencedLaunch& launch) = 0;
};

std::unique_ptr<Launcher> LaunchOnTeam(int workers);

// Borrows the device. `fenced`: memory of the device has the fences as well; else allocations are as large as the
// tensors, for devices that check each access, and outputs and scratch have not been written before.
absl::StatusOr<std::unique_ptr<Launcher>> LaunchOnDevice(Device& device, bool fenced);

}  // namespace engine
