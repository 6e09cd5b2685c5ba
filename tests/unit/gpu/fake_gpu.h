// What the parts of the fake GPU library share.
#pragma once

#include "backends/gpu/driver.h"

namespace engine::gpu {

// On a stream of the fake driver. 0, or an error.
int FakeMultiply(const GpuProduct& product, void* stream);

}  // namespace engine::gpu
