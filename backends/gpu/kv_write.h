// New keys and values into a layer's cache (ops/kv_write.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/gpu/kernel_instance.h"
#include "core/base/dtype.h"

namespace engine::gpu {

struct KvWriteArgs {
  const std::byte* k;  // [tokens, kv_heads * head_dim], of the cache's dtype, f32 for int8
  const float* v;
  const int32_t* slots;  // [tokens]
  std::byte* cache;      // ops/kv_layout.h
  int64_t num_heads;     // of all tokens
  int kv_heads;
  int head_dim;
};

// 32 lanes have the key of a token's head, and 32 others its value.
inline constexpr int kKvHeadsPerBlock = 256 / 64;
inline constexpr KernelInstance kKvWriteF32 = {"kv_write_f32", "kv_write", sizeof(KvWriteArgs), 256};
inline constexpr KernelInstance kKvWriteBf16 = {"kv_write_bf16", "kv_write", sizeof(KvWriteArgs), 256};
inline constexpr KernelInstance kKvWriteInt8 = {"kv_write_int8", "kv_write", sizeof(KvWriteArgs), 256};

}  // namespace engine::gpu
