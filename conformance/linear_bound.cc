#include "conformance/linear_bound.h"

#include <cmath>

#include "core/weights/quant.h"

namespace engine {

std::vector<double> RowNorms(const CaseInput& input) {
  const int64_t row_bytes = input.spec.row_bytes();
  std::vector<double> norms(row_bytes == 0 ? 0 : input.data.size() / row_bytes, 0.0);
  if (input.spec.dtype == DType::kQ8Group || IsBlockQuantised(input.spec.dtype)) return norms;
  std::vector<float> values(input.spec.shape[1]);
  for (size_t r = 0; r < norms.size(); ++r) {
    DequantizeRow(input.spec.dtype, {input.data.data() + r * row_bytes, static_cast<size_t>(row_bytes)}, values);
    for (const float value : values) norms[r] += static_cast<double>(value) * value;
    norms[r] = std::sqrt(norms[r]);
  }
  return norms;
}

}  // namespace engine
