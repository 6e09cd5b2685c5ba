// Rows of ops/rms_norm.h and ops/add_rms_norm.h, stored as f32, bf16 or q8_group.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/gpu/kernel_instance.h"
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
};

// The partials of the long sum.
inline constexpr int kRmsNormSharedBytes = 256 * sizeof(float);
inline constexpr KernelInstance kRmsNorm = {"rms_norm", "rms_norm", sizeof(RmsNormArgs), 256, kRmsNormSharedBytes};
inline constexpr KernelInstance kAddRmsNorm = {"add_rms_norm", "rms_norm", sizeof(RmsNormArgs), 256,
                                               kRmsNormSharedBytes};

}  // namespace engine::gpu
