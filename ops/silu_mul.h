// out = act(gate) * up, element by element (ops/activation.h has the exact operations).
//   in: gate f32[R, n], up f32[R, n]        out: [R, n] as f32, bf16 or q8_group
// Fused: storing the product as `out` by the rules of quantise.
#pragma once

#include "core/kernel/op.h"
#include "ops/activation.h"

namespace engine {

struct SiluMul {
  Activation activation = Activation::kSilu;
  DType out = DType::kF32;
};
const OpSchema& SchemaOf(const SiluMul&);

}  // namespace engine
