// Where K and V lie in a layer's cache: [blocks / 8, kv_heads, 2, 8, part] in f32, bf16 or int8, K before V, layout kKv32.
// A block holds 32 tokens; 8 with neighbouring ids are a span, where each head's K of all blocks comes before their V.
// Tokens run over lanes for K (a score per token), dimensions for V (an output per dimension), and as many elements of
// the reduction index lie together as a dot product takes in one step: 1 of f32, a pair of bf16, 4 of int8:
//   K[t][i] at ((i / step) * 32 + t) * step + i % step     V[t][i] at ((t / step) * head_dim + i) * step + t % step
// Behind the 32 * head_dim elements of an int8 part come its tokens' scales, f32[32].
#pragma once

#include <cstdint>

#include "core/kv/block_size.h"
#include "core/tensor/spec.h"

namespace engine {

inline constexpr int64_t kKvBlockTokens = kBlockTokens;
inline constexpr LayoutId kKv32{"kv32"};

// Tokens of one softmax partition, by absolute position (docs/numerics.md, rule 6).
inline constexpr int64_t kAttentionPartition = 256;
static_assert(kSpanBlocks * kKvBlockTokens == kAttentionPartition);

// With an int8 cache, weights of a partition whose largest is below this count as 0: 255 / it must be a float.
inline constexpr float kSmallestByteWeight = 0x1p-118f;

// The type in which attention takes queries and the cache's writer keys: int8 scales are theirs to choose.
constexpr DType KvOperandDType(DType cache) { return cache == DType::kI8 ? DType::kF32 : cache; }

// Elements of the reduction index that lie together.
constexpr int64_t KvStep(DType dtype) { return dtype == DType::kI8 ? 4 : dtype == DType::kBF16 ? 2 : 1; }

// Elements of the K or V part of a block and head; of int8 they are bytes, and scales are counted.
constexpr int64_t KvPartElements(DType dtype, int64_t head_dim) {
  return kKvBlockTokens * (head_dim + (dtype == DType::kI8 ? kKvScaleBytes : 0));
}
constexpr int64_t KvScalesOffset(int64_t head_dim) { return kKvBlockTokens * head_dim; }

// The size of a block, though it lies in parts: memory is for whole spans of them.
inline TensorSpec KvCacheSpec(DType dtype, int64_t kv_heads, int64_t head_dim) {
  return {dtype, {kBlocks, kv_heads, 2, KvPartElements(dtype, head_dim)}, kKv32};
}

// Elements from the start of the cache to the K part of (block, head), and from there to its V part.
constexpr int64_t KvHeadOffset(DType dtype, int64_t block, int64_t head, int64_t kv_heads, int64_t head_dim) {
  const int64_t parts = (block / kSpanBlocks * kv_heads + head) * 2 * kSpanBlocks + block % kSpanBlocks;
  return parts * KvPartElements(dtype, head_dim);
}
constexpr int64_t KvValuesOffset(DType dtype, int64_t head_dim) {
  return kSpanBlocks * KvPartElements(dtype, head_dim);
}

// Elements from the start of a K or V part to (token of the block, dimension).
constexpr int64_t KeyOffset(DType dtype, int64_t token, int64_t dim) {
  const int64_t step = KvStep(dtype);
  return ((dim / step) * kKvBlockTokens + token) * step + dim % step;
}
constexpr int64_t ValueOffset(DType dtype, int64_t head_dim, int64_t token, int64_t dim) {
  const int64_t step = KvStep(dtype);
  return ((token / step) * head_dim + dim) * step + token % step;
}

}  // namespace engine
