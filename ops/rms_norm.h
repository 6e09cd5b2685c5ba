// y = (x * inv) * weight, inv = 1 / sqrt(sum(x^2) / d + epsilon), row by row.
//   in:  x f32[R, d], weight f32[d]        out: y [R, d] as f32, bf16 or q8_group
// The sum is a long reduction (core/base/long_sum.h) whose partials take fma(x, x, p). Fused: storing y as `out` by the
// rules of quantise (ops/quantise.h).
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct RmsNorm {
  float epsilon = 1e-5f;
  DType out = DType::kF32;
};
const OpSchema& SchemaOf(const RmsNorm&);

}  // namespace engine
