#include "ops/store_row.h"

#include <cstring>
#include <limits>

#include "core/base/bf16.h"
#include "core/base/check.h"
#include "core/base/math.h"
#include "core/tensor/q8_row.h"

namespace engine {
namespace {

void StoreBf16(std::span<const float> values, uint16_t* row) {
  for (size_t i = 0; i < values.size(); ++i) row[i] = F32ToBf16(values[i]);
}

void StoreQ8(std::span<const float> values, Q8Row row) {
  for (size_t begin = 0; begin < values.size(); begin += kActivationGroup) {
    row.scales[begin / kActivationGroup] = QuantiseGroup(values.subspan(begin, kActivationGroup), row.values + begin);
  }
  for (size_t begin = 0; begin < values.size(); begin += kSumGroup) {
    int sum = 0;
    for (int64_t i = 0; i < kSumGroup; ++i) sum += row.values[begin + i];
    row.sums[begin / kSumGroup] = static_cast<int16_t>(sum);
  }
}

}  // namespace

// 127 = the largest int8 with a negative: -128 would need its own case in sign-and-magnitude kernels.
float QuantiseGroup(std::span<const float> values, int8_t* q) {
  float absmax = 0.0f;
  bool finite = true;
  for (const float x : values) {
    finite = finite && std::isfinite(x);
    absmax = Max(Abs(x), absmax);
  }
  const float scale = finite ? absmax / 127.0f : std::numeric_limits<float>::quiet_NaN();
  // A group of denormals can have the scale 0; then, and without a scale, every value is 0.
  const bool has_values = scale > 0.0f;
  for (size_t i = 0; i < values.size(); ++i) {
    // A denormal scale is coarse, so the quotient may be well beyond 127.
    q[i] = has_values ? static_cast<int8_t>(Max(-127.0f, Min(127.0f, Round(values[i] / scale)))) : int8_t{0};
  }
  return scale;
}

void StoreRow(DType dtype, std::span<const float> values, std::byte* row) {
  switch (dtype) {
    case DType::kF32:
      std::memmove(row, values.data(), values.size_bytes());
      return;
    case DType::kBF16:
      return StoreBf16(values, reinterpret_cast<uint16_t*>(row));
    case DType::kQ8Group:
      return StoreQ8(values, Q8RowAt(row, static_cast<int64_t>(values.size())));
    default:
      ENGINE_CHECK(!"inference admits f32, bf16 and q8_group");
  }
}

}  // namespace engine
