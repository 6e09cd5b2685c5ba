// Stores rows as another dtype; lowering inserts it where a linear's input_dtype asks for one.
//   in: x f32[R, k]        out: [R, k] of dtype `to`: bf16 or q8_group
// bf16: round to nearest even. q8_group, per group of 32 (core/tensor/q8_row.h):
//   s = absmax / 127, q = clamp(round_half_even(x / s), -127, 127), q = 0 when s is 0; sums of q per 16.
//   A group with a NaN or an infinity stores s = NaN and zeros, so that the row's logits become NaN and sampling says
//   so.
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct Quantise {
  DType to = DType::kQ8Group;
};
const OpSchema& SchemaOf(const Quantise&);

// CompileOptions::convert.
OpRef Convert(DType to);

}  // namespace engine
