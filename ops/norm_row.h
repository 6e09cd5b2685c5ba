// The row that rms_norm, add_rms_norm and the per-head norms share.
#pragma once

#include <cmath>
#include <span>

#include "core/base/long_sum.h"

namespace engine {

// out[i] = (x[i] * inv) * weight[i]; out may be x.
inline void RmsNormRow(std::span<const float> x, std::span<const float> weight, float epsilon, std::span<float> out) {
  const float mean = SumOfSquares(x) / static_cast<float>(x.size());
  const float inv = 1.0f / std::sqrt(mean + epsilon);
  for (size_t i = 0; i < x.size(); ++i) out[i] = (x[i] * inv) * weight[i];
}

}  // namespace engine
