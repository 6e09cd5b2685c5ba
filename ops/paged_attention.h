// out[t, h] = sum over visible p of softmax(scale * q[t, h] . K[p]) V[p], query heads sharing KV heads in equal groups.
//   Token j of sequence s is row query_start[s] + j and sits at position context_length[s] - query_length[s] + j; it
//   sees positions p <= its own with own - p < window (window 0: all). Position p lives in block_table[s, p / 32].
//
//   in: q [T, heads * head_dim] in the cache's dtype (f32 for int8), cache, block_table i32[S, max_blocks],
//       query_start i32[S], query_length i32[S], context_length i32[S] (new tokens included)
//
//   out: [T, heads * head_dim], stored as `out` (ops/store_row.h); rows that belong to no sequence are not written
//
// Blocks wholly outside every window may be -1. Order of operations: docs/numerics.md, rule 6, partitions of 256
// positions.
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct PagedAttention {
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  float scale = 1.0f;
  int window = 0;
  DType out = DType::kF32;
};
const OpSchema& SchemaOf(const PagedAttention&);

}  // namespace engine
