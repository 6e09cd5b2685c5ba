#include "conformance/linear_bound.h"

#include <algorithm>
#include <cmath>

#include "core/tensor/q8_row.h"
#include "core/weights/quant.h"

namespace engine {
namespace {

// Row `row` as numbers.
std::vector<float> Numbers(const CaseInput& input, int64_t row) {
  std::vector<float> values(input.spec.shape[1]);
  std::byte* const data = const_cast<std::byte*>(input.data.data()) + row * input.spec.row_bytes();
  if (input.spec.dtype == DType::kQ8Group) {
    const Q8Row q8 = Q8RowAt(data, std::ssize(values));
    for (size_t i = 0; i < values.size(); ++i) values[i] = q8.scales[i / kActivationGroup] * q8.values[i];
  } else {
    DequantizeRow(input.spec.dtype, {data, static_cast<size_t>(input.spec.row_bytes())}, values);
  }
  return values;
}

double Norm(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

int64_t NumRows(const CaseInput& input) {
  return std::ssize(input.data) / std::max<int64_t>(1, input.spec.row_bytes());
}

}  // namespace

std::vector<double> RowNorms(const CaseInput& input) {
  std::vector<double> norms(NumRows(input));
  for (size_t r = 0; r < norms.size(); ++r) norms[r] = Norm(Numbers(input, static_cast<int64_t>(r)));
  return norms;
}

std::vector<double> RowNorms(const CaseInput& weight, const CaseInput& row_scales) {
  std::vector<double> norms = RowNorms(weight);
  const auto* scales = reinterpret_cast<const float*>(row_scales.data.data());
  for (size_t r = 0; r < norms.size(); ++r) norms[r] *= std::abs(scales[r]);
  return norms;
}

std::vector<double> RoundingErrors(const CaseInput& x, DType weight) {
  std::vector<double> errors = RowNorms(x);
  for (double& error : errors) error *= weight == DType::kF16 ? 0x1p-11 + 0x1p-33 : 0.0;
  if (x.spec.dtype != DType::kQ8Group) return errors;
  constexpr int64_t kGroups = 4;
  const int64_t k = x.spec.shape[1];
  for (size_t r = 0; r < errors.size(); ++r) {
    const Q8Row row = Q8RowAt(const_cast<std::byte*>(x.data.data()) + r * x.spec.row_bytes(), k);
    std::vector<float> errors_of_values(k);
    for (int64_t i = 0; i < k; ++i) {
      const int64_t first = i / kActivationGroup / kGroups * kGroups;
      const int64_t end = std::min(first + kGroups, k / kActivationGroup);
      errors_of_values[i] = 0.5001f * *std::max_element(row.scales + first, row.scales + end);
    }
    errors[r] = Norm(errors_of_values);
  }
  return errors;
}

}  // namespace engine
