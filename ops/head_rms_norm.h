// rms_norm over each head of a row, with one weight for all heads (QK norm).
//   in: x f32[T, heads * head_dim], weight f32[head_dim]        out: f32[T, heads * head_dim]
// Operations as in ops/rms_norm.h with d = head_dim.
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct HeadRmsNorm {
  int heads = 0;
  int head_dim = 0;
  float epsilon = 1e-6f;
};
const OpSchema& SchemaOf(const HeadRmsNorm&);

}  // namespace engine
