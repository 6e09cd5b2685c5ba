// Stores new keys and values in a layer's cache (ops/kv_layout.h).
//   slots[t] = block * 32 + token of the block, or -1: not stored
//   in: k [T, kv_heads * head_dim] in the cache's dtype (f32 for int8), v f32[T, kv_heads * head_dim], slots i32[T],
//       cache
//   out: none; the cache is written in place, v rounded once to its dtype. int8 has one scale for each token's head of
//        k and of v: numerics rule 4 with the head as the group
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct KvWrite {
  int kv_heads = 0;
  int head_dim = 0;
};
const OpSchema& SchemaOf(const KvWrite&);

}  // namespace engine
