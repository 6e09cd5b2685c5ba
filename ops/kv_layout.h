// Where K and V lie in a layer's cache: [blocks, kv_heads, 2, 32 * head_dim] in f32 or bf16, K before V, layout kKv32.
// A block holds 32 tokens. Tokens run over lanes for K (a score per token), dimensions for V (an output per dimension).
//   f32:  K[t][i] at i * 32 + t                      V[t][i] at t * head_dim + i
//   bf16: pairs of the reduction index share 32 bits, as the pair chain reads them:
//         K[t][i] at ((i / 2) * 32 + t) * 2 + i % 2   V[t][i] at ((t / 2) * head_dim + i) * 2 + t % 2
#pragma once

#include <cstdint>

#include "core/tensor/spec.h"

namespace engine {

inline constexpr int64_t kKvBlockTokens = 32;
inline constexpr LayoutId kKv32{"kv32"};

// Tokens of one softmax partition, by absolute position (docs/numerics.md, rule 6).
inline constexpr int64_t kAttentionPartition = 256;

inline TensorSpec KvCacheSpec(DType dtype, int64_t kv_heads, int64_t head_dim) {
  return {dtype, {kBlocks, kv_heads, 2, kKvBlockTokens * head_dim}, kKv32};
}

// Elements from the start of the cache to the K part of (block, head), and from there to its V part.
inline int64_t KvHeadOffset(int64_t block, int64_t head, int64_t kv_heads, int64_t head_dim) {
  return (block * kv_heads + head) * 2 * kKvBlockTokens * head_dim;
}
inline int64_t KvValuesOffset(int64_t head_dim) { return kKvBlockTokens * head_dim; }

// Elements from the start of a K or V part to (token of the block, dimension).
inline int64_t KeyOffset(DType dtype, int64_t token, int64_t dim) {
  return dtype == DType::kBF16 ? ((dim / 2) * kKvBlockTokens + token) * 2 + dim % 2 : dim * kKvBlockTokens + token;
}
inline int64_t ValueOffset(DType dtype, int64_t head_dim, int64_t token, int64_t dim) {
  return dtype == DType::kBF16 ? ((token / 2) * head_dim + dim) * 2 + token % 2 : token * head_dim + dim;
}

}  // namespace engine
