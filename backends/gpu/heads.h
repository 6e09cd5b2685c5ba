// Heads of a row, normalised and rotated: ops/head_rms_norm.h, ops/rope.h and ops/qk_norm_rope.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/gpu/kernel_instance.h"
#include "core/base/dtype.h"

namespace engine::gpu {

struct HeadsArgs {
  const float* x;            // [tokens, heads * head_dim]
  const int32_t* positions;  // [tokens]; where heads are rotated
  const float* table;        // [max_position, rotary_dim]: cosines, then sines
  const float* weight;       // [head_dim]; where heads are normalised
  std::byte* y;              // like x, as f32 or bf16
  int64_t num_heads;         // of all tokens
  int heads;                 // of a token
  int head_dim;
  int rotary_dim;
  float epsilon;
  DType y_dtype;
  uint8_t unused[7] = {};  // kernel_instance.h
};

// 32 lanes have a head.
inline constexpr int kHeadsPerBlock = 256 / 32;
inline constexpr KernelInstance kHeadRmsNorm = {"head_rms_norm", "heads", sizeof(HeadsArgs), 256};
inline constexpr KernelInstance kRope = {"rope", "heads", sizeof(HeadsArgs), 256};
inline constexpr KernelInstance kQkNormRope = {"qk_norm_rope", "heads", sizeof(HeadsArgs), 256};

}  // namespace engine::gpu
