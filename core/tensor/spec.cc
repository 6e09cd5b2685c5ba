#include "core/tensor/spec.h"

#include "core/tensor/q8_row.h"

namespace engine {

std::string TensorSpec::to_string() const {
  std::string text = std::string(Name(dtype)) + shape.to_string();
  if (layout != kRowMajor && layout != kOpenLayout) text += "@" + std::string(layout.name);
  return text;
}

int64_t TensorSpec::row_bytes() const {
  if (dtype == DType::kQ8Group) return Q8RowBytes(shape.row_elements());
  return RowBytes(dtype, shape.row_elements());
}

}  // namespace engine
