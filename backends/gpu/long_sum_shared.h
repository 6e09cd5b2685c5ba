// Scratch of LongSumTotal (port/collectives.h): what a kernel has in shared memory for it.
#pragma once

#include "core/base/long_sum.h"

namespace engine::gpu {

struct LongSumShared {
  float partials[kLongSumPartials];
};

}  // namespace engine::gpu
