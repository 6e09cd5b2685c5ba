// act(gate) * up, stored as f32, bf16 or q8_group (ops/silu_mul.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/gpu/kernel_instance.h"
#include "backends/gpu/row_part.h"
#include "core/base/dtype.h"
#include "ops/activation.h"

namespace engine::gpu {

struct SiluMulArgs {
  const float* gate;  // [rows, n]
  const float* up;
  std::byte* out;
  int64_t n;
  int64_t out_row_bytes;
  int64_t row_blocks;  // of kRowPartElements
  Activation activation;
  DType out_dtype;
  uint8_t unused[6] = {};  // kernel_instance.h
};

inline constexpr KernelInstance kSiluMul = {"silu_mul", "silu_mul", sizeof(SiluMulArgs), 256};

}  // namespace engine::gpu
