// Rows of ops/rms_norm.h and ops/add_rms_norm.h, stored as f32, bf16 or q8_group.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/gpu/kernel_instance.h"
#include "backends/gpu/long_sum_shared.h"
#include "core/base/dtype.h"

namespace engine::gpu {

struct RmsNormArgs {
  const float* x;       // [rows, d]
  const float* delta;   // [rows, d], added first; of add_rms_norm
  float* sum;           // [rows, d]: x + delta; of add_rms_norm
  const float* weight;  // [d]
  std::byte* y;
  int64_t y_row_bytes;
  int d;
  float epsilon;
  DType y_dtype;
  uint8_t unused[7] = {};  // kernel_instance.h
};

inline constexpr KernelInstance kRmsNorm = {"rms_norm", "rms_norm", sizeof(RmsNormArgs), kLongSumPartials,
                                            sizeof(LongSumShared)};
inline constexpr KernelInstance kAddRmsNorm = {"add_rms_norm", "rms_norm", sizeof(RmsNormArgs), kLongSumPartials,
                                               sizeof(LongSumShared)};

}  // namespace engine::gpu
