// Rows of f32 as f16, for matrix units: each is divided by a power of two that takes its largest value to [2^14, 2^15),
// so that none is beyond f16, and what f16 cannot hold is 2^-39 of the largest or less.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/gpu/kernel_instance.h"

namespace engine::gpu {

struct NarrowRowsArgs {
  const float* x;  // [rows, k]
  uint16_t* out;   // [rows, k] of f16
  float* scales;   // of each row: x is out times it
  int64_t k;
};

struct NarrowRowsShared {
  uint32_t largest[8];  // bits of magnitudes, one of each 32 threads
};

inline constexpr KernelInstance kNarrowRows = {"narrow_rows", "narrow_rows", sizeof(NarrowRowsArgs), 256,
                                               sizeof(NarrowRowsShared)};

}  // namespace engine::gpu
