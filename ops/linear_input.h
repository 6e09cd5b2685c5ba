// Inference that linear and gated_mlp share: which inputs go with which weights.
#pragma once

#include "core/base/status.h"
#include "ops/linear.h"

namespace engine {

// InputDType(input), or f32 before lowering has inserted the conversion.
absl::Status ExpectLinearInput(LinearInput input, const TensorSpec& x);
absl::Status ExpectLinearWeight(std::string_view name, LinearInput input, const TensorSpec& weight, int64_t k);

}  // namespace engine
