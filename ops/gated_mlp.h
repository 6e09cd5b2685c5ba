// out = act(x gate^T) * (x up^T): the first half of a gated MLP.
//
//   in: x [R, k] as linear takes it, gate [n, k], up [n, k], both of one dtype (, scales of gate and of up f32[n]: with w8)
//
//   out: [R, n] as f32, bf16 or q8_group
//
// Fused: two linears, silu_mul and the conversion of its product.
#pragma once

#include "core/kernel/op.h"
#include "ops/activation.h"
#include "ops/linear.h"

namespace engine {

struct GatedMlp {
  LinearInput input = LinearInput::kF32;
  Activation activation = Activation::kSilu;
  DType out = DType::kF32;
};
const OpSchema& SchemaOf(const GatedMlp&);

}  // namespace engine
