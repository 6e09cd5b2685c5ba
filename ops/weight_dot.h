// One output of a linear: the sums of numerics rules 3 and 4 over one input row and one weight row, the reference of
// linear and gated_mlp.
#pragma once

#include <cstddef>

#include "ops/linear.h"

namespace engine {

// x: a row of InputDType(input); w: a checkpoint row of `weight` dtype; both of k elements.
float WeightDot(LinearInput input, const std::byte* x, DType weight, const std::byte* w, int64_t k);

}  // namespace engine
