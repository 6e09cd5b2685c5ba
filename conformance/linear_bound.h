// What linear and gated_mlp cases share.
#pragma once

#include <limits>

#include "conformance/test_data.h"
#include "ops/linear.h"

namespace engine {

// Two orders of summing k products, fused or not, each err by at most k u sum |x w| (1 + k u) with u = eps / 2, and
// sum |x w| <= |x| |w|. Together k eps |x| |w|; 1 % pays for the second-order term (k u < 0.001), and products flushed
// to zero add the smallest normal number each.
inline double SumBound(int64_t k, double norm_x, double norm_w, float reference) {
  constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
  return 1.01 * static_cast<double>(k) * kEpsilon * norm_x * norm_w +
         static_cast<double>(k) * std::numeric_limits<float>::min() + kEpsilon * std::abs(reference);
}

// Euclidean norm of each row.
std::vector<double> RowNorms(const CaseInput& input);
// The same of weights whose rows have scales beside them.
std::vector<double> RowNorms(const CaseInput& weight, const CaseInput& row_scales);

// Norm of what each row of activations moves where a kernel of class fast rounds them once more, and a product with w by
// |these| |w|. q8_group: runs of four groups to multiples of their largest scale s, so each value by s / 2 at most. f32
// beside weights of f16: to f16 times a power of two for each row, so each value by 2^-11 of itself and 2^-39 of the
// largest, which is 2^-33 of the norm over 4096 values. Zeros for others.
std::vector<double> RoundingErrors(const CaseInput& x, DType weight);

}  // namespace engine
