// Rotates pairs (i, i + rotary_dim / 2) of each head by its position's angle; dimensions from rotary_dim on are kept.
//   with c = table[position, i], s = table[position, i + rotary_dim / 2]:
//   y0 = fma(-x1, s, x0 * c), y1 = fma(x0, s, x1 * c), each rounded once to `out`
//   in: x f32[T, heads * head_dim], positions i32[T], table f32[max_position, rotary_dim] (cosines, then sines)
//   out: [T, heads * head_dim] as f32 or bf16, the KV dtype
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct Rope {
  int heads = 0;
  int head_dim = 0;
  int rotary_dim = 0;  // even, at most head_dim
  DType out = DType::kBF16;
};
const OpSchema& SchemaOf(const Rope&);

}  // namespace engine
