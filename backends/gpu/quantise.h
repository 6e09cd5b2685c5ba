// Rows of f32 as bf16 or q8_group (ops/quantise.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/gpu/kernel_instance.h"
#include "backends/gpu/row_part.h"
#include "core/base/dtype.h"

namespace engine::gpu {

struct QuantiseArgs {
  const float* x;  // [rows, n]
  std::byte* out;
  int64_t n;
  int64_t out_row_bytes;
  int64_t row_blocks;  // of kRowPartElements
  DType to;
  uint8_t unused[7] = {};  // kernel_instance.h
};

inline constexpr KernelInstance kQuantise = {"quantise", "quantise", sizeof(QuantiseArgs), 256};

}  // namespace engine::gpu
