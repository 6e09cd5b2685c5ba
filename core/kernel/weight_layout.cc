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
      .version = 1,
      .holds = [](DType) { return true; },
      .bytes = [](DType dtype, int64_t n, int64_t k) { return n * RowBytes(dtype, k); },
      .row_step = 1,
      .pack = CopyRows,
      .unpacks = [](DType) { return true; },
      .unpack_row =
          [](DType dtype, int64_t k, const std::byte* packed, int64_t row, std::byte* out) {
            const int64_t row_bytes = RowBytes(dtype, k);
            std::memcpy(out, packed + row * row_bytes, row_bytes);
          },
  };
  return kLayout;
}

}  // namespace engine
