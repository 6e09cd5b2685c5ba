// A driver that puts a pattern before and behind every allocation on the device and looks at it after each kernel, copy and
// graph: whoever writes past an end fails with what it hit. It waits for all of them, so it is for tests alone.
#pragma once

#include <memory>

#include "backends/gpu/driver.h"

namespace engine::gpu {

std::unique_ptr<GpuDriver> GuardedDriver(std::unique_ptr<GpuDriver> driver);

}  // namespace engine::gpu
