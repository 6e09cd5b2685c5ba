// rope(head_rms_norm(x, weight)).
//   in: x f32[T, heads * head_dim], positions i32[T], table f32[max_position, rotary_dim], weight f32[head_dim]
//   out: [T, heads * head_dim] as f32 or bf16, the KV dtype
// Fused: head_rms_norm and rope.
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct QkNormRope {
  int heads = 0;
  int head_dim = 0;
  int rotary_dim = 0;
  float epsilon = 1e-6f;
  DType out = DType::kBF16;
};
const OpSchema& SchemaOf(const QkNormRope&);

}  // namespace engine
