#include "core/kernel/weight_layout.h"

#include <cstring>

namespace engine {
namespace {

void CopyRows(const WeightRows& weight, int64_t begin, int64_t end, std::byte* out) {
  const int64_t row_bytes = RowBytes(weight.dtype, weight.k);
  for (int64_t row = begin; row < end; ++row) std::memcpy(out + row * row_bytes, weight.rows[row], row_bytes);
}

}  // namespace

const WeightLayout& RowMajorLayout() {
  static constexpr WeightLayout kLayout = {
      .id = kRowMajor,
      .holds = [](DType) { return true; },
      .bytes = [](DType dtype, int64_t n, int64_t k) { return n * RowBytes(dtype, k); },
      .row_step = 1,
      .pack = CopyRows,
  };
  return kLayout;
}

}  // namespace engine
