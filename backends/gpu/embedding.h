// Rows of a table in panels (weight_panel.h), or of bf16, f16 and f32 as they are, one per token: ops/embedding.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/gpu/kernel_instance.h"
#include "core/base/dtype.h"

namespace engine::gpu {

struct EmbeddingArgs {
  const int32_t* tokens;
  const int32_t* previous;
  const std::byte* table;
  float* out;  // [tokens, d]
  int d;
  int block_shift;      // BlockShift
  int64_t panel_bytes;  // 0: rows lie as they are
  float scale;
  DType table_dtype;
  uint8_t unused[3] = {};  // kernel_instance.h
};

inline constexpr KernelInstance kEmbedding = {"embedding", "embedding", sizeof(EmbeddingArgs), 256};

}  // namespace engine::gpu
