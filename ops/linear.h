// out[r, j] = sum over i of x[r, i] * w[j, i] (* scale[j]) (+ bias[j], added last).
//   in: x [R, k] of the dtype below, w [n, k], (scale f32[n]: with w8), (bias f32[n])        out: f32[R, n]
//   input     x          w                 order of the sum (docs/numerics.md)
//   kQ8Group  q8_group   block-quantised   rule 4: int32 dot per segment, scaled into the activation group's sum
//   kBf16     bf16       bf16              rule 3: pair chain (core/base/bf16_dot.h)
//   kF32      f32        f32 or f16        rule 3: one fma per element
// Every sum restarts at multiples of 2048 elements of k; the chunks are added in ascending order, starting from the
// first.
#pragma once

#include "core/kernel/op.h"

namespace engine {

// How a linear treats its input: an attribute, because it decides the result.
enum class LinearInput : uint8_t { kQ8Group, kBf16, kF32 };

// The chunk of rules 3 and 4.
inline constexpr int64_t kReductionChunk = 2048;

struct Linear {
  LinearInput input = LinearInput::kF32;
  bool bias = false;
};
const OpSchema& SchemaOf(const Linear&);

DType InputDType(LinearInput input);
std::string_view Name(LinearInput input);

// Whether a weight's values are what they stand for only times a scale of their row.
inline bool NeedRowScales(DType weight) { return weight == DType::kW8; }

// The input that goes with a weight's dtype.
LinearInput InputFor(DType weight);

}  // namespace engine
