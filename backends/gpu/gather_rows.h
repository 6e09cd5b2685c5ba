// out[m] = x[rows[m]] (ops/gather_rows.h).
#pragma once

#include <cstdint>

#include "backends/gpu/kernel_instance.h"

namespace engine::gpu {

struct GatherRowsArgs {
  const float* x;
  const int32_t* rows;
  float* out;
  int64_t d;
};

inline constexpr KernelInstance kGatherRows = {"gather_rows", "gather_rows", sizeof(GatherRowsArgs), 256};

}  // namespace engine::gpu
