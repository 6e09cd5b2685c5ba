#include "conformance/compare.h"

#include <bit>
#include <cmath>

#include "absl/strings/str_format.h"
#include "core/base/bf16.h"
#include "core/tensor/q8_row.h"

namespace engine {
namespace {

std::string Where(int64_t row, int64_t column) { return absl::StrFormat("row %d, column %d: ", row, column); }

std::optional<std::string> FloatDifference(const float* got, const float* want, int64_t count, int64_t row) {
  for (int64_t i = 0; i < count; ++i) {
    if (std::bit_cast<uint32_t>(got[i]) == std::bit_cast<uint32_t>(want[i]) ||
        (std::isnan(got[i]) && std::isnan(want[i])))
      continue;
    return Where(row, i) + absl::StrFormat("%a (%g), the reference has %a (%g)", got[i], got[i], want[i], want[i]);
  }
  return std::nullopt;
}

std::optional<std::string> Bf16Difference(const uint16_t* got, const uint16_t* want, int64_t count, int64_t row) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = Bf16ToF32(got[i]);
    const float w = Bf16ToF32(want[i]);
    if (got[i] == want[i] || (std::isnan(g) && std::isnan(w))) continue;
    return Where(row, i) + absl::StrFormat("bf16 %g (0x%04x), the reference has %g (0x%04x)", g, got[i], w, want[i]);
  }
  return std::nullopt;
}

template <typename Integer>
std::optional<std::string> IntegerDifference(const Integer* got, const Integer* want, int64_t count, int64_t row,
                                             const char* what) {
  for (int64_t i = 0; i < count; ++i) {
    if (got[i] == want[i]) continue;
    return Where(row, i) + absl::StrFormat("%s %d, the reference has %d", what, got[i], want[i]);
  }
  return std::nullopt;
}

std::optional<std::string> Q8Difference(std::byte* got, std::byte* want, int64_t k, int64_t row) {
  const Q8Row g = Q8RowAt(got, k);
  const Q8Row w = Q8RowAt(want, k);
  if (auto found = FloatDifference(g.scales, w.scales, k / kActivationGroup, row)) return "scale in " + *found;
  if (auto found = IntegerDifference(g.values, w.values, k, row, "value")) return found;
  return IntegerDifference(g.sums, w.sums, k / kSumGroup, row, "sum");
}

std::optional<std::string> RowDifference(const TensorSpec& spec, std::byte* got, std::byte* want, int64_t row) {
  const int64_t columns = spec.shape.row_elements();
  switch (spec.dtype) {
    case DType::kF32:
      return FloatDifference(reinterpret_cast<float*>(got), reinterpret_cast<float*>(want), columns, row);
    case DType::kBF16:
      return Bf16Difference(reinterpret_cast<uint16_t*>(got), reinterpret_cast<uint16_t*>(want), columns, row);
    case DType::kQ8Group:
      return Q8Difference(got, want, columns, row);
    case DType::kI32:
      return IntegerDifference(reinterpret_cast<int32_t*>(got), reinterpret_cast<int32_t*>(want), columns, row, "id");
    default:
      return IntegerDifference(reinterpret_cast<uint8_t*>(got), reinterpret_cast<uint8_t*>(want), spec.row_bytes(), row,
                               "byte");
  }
}

// Element i of a row, and the most by which it differs from the number that was rounded to it.
struct Rounded {
  float number;
  float error;
};
Rounded NumberAt(const TensorSpec& spec, const std::byte* row, int64_t i) {
  if (spec.dtype == DType::kF32) return {reinterpret_cast<const float*>(row)[i], 0};
  if (spec.dtype == DType::kBF16) return {Bf16ToF32(reinterpret_cast<const uint16_t*>(row)[i]), 0};
  const Q8Row q8 = Q8RowAt(const_cast<std::byte*>(row), spec.shape.row_elements());
  const float scale = q8.scales[i / kActivationGroup];
  return {scale * q8.values[i], 0.5001f * scale};
}

}  // namespace

std::optional<std::string> FirstDifference(const TensorSpec& spec, int64_t rows, const std::byte* got,
                                           const std::byte* want) {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t offset = r * spec.row_bytes();
    auto found = RowDifference(spec, const_cast<std::byte*>(got + offset), const_cast<std::byte*>(want + offset), r);
    if (found) return found;
  }
  return std::nullopt;
}

std::optional<std::string> FirstBeyond(const TensorSpec& spec, int64_t rows, int64_t first_row, const ErrorBound& bound,
                                       const std::byte* got, const std::byte* want) {
  const int64_t columns = spec.shape.row_elements();
  for (int64_t i = 0; i < rows * columns; ++i) {
    const int64_t at = i / columns * spec.row_bytes();
    const auto [number, rounding] = NumberAt(spec, got + at, i % columns);
    const auto [reference, reference_rounding] = NumberAt(spec, want + at, i % columns);
    if (std::isnan(number) && std::isnan(reference)) continue;
    const double limit = bound(first_row + i / columns, i % columns, reference) + rounding + reference_rounding;
    const double error = std::fabs(static_cast<double>(number) - reference);
    if (number == reference || error <= limit) continue;
    return Where(first_row + i / columns, i % columns) +
           absl::StrFormat("%g, the reference has %g: off by %g, and the bound is %g", number, reference, error, limit);
  }
  return std::nullopt;
}

}  // namespace engine
