// sum = residual + delta; y = rms_norm(sum, weight).
//   in:  residual f32[R, d], delta f32[R, d], weight f32[d]
//   out: sum f32[R, d], y [R, d] as f32, bf16 or q8_group
// Fused: add, rms_norm and the conversion of y.
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct AddRmsNorm {
  float epsilon = 1e-5f;
  DType out = DType::kF32;
};
const OpSchema& SchemaOf(const AddRmsNorm&);

}  // namespace engine
