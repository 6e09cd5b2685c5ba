#include <cstring>

#include "core/base/bf16.h"
#include "core/base/check.h"
#include "core/weights/quant.h"

namespace engine {
namespace {

template <float (*kWiden)(uint16_t)>
void WidenRow(std::span<const std::byte> row, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, &row[2 * i], sizeof(bits));
    out[i] = kWiden(bits);
  }
}

void DequantizeGroups(DType dtype, std::span<const std::byte> row, std::span<float> out) {
  const auto group_values = static_cast<size_t>(GroupValues(dtype));
  // Adding an offset of zero would turn a value of -0 into +0.
  const bool has_offset = HasOffset(dtype);
  QuantGroup group;
  for (size_t begin = 0; begin < out.size(); begin += group_values) {
    UnpackGroup(dtype, row.data(), static_cast<int64_t>(begin / group_values), group);
    for (size_t i = 0; i < group_values; ++i) {
      const float product = group.scale * static_cast<float>(group.q[i] - group.zero_point);
      out[begin + i] = has_offset ? product + group.offset : product;
    }
  }
}

}  // namespace

void DequantizeRow(DType dtype, std::span<const std::byte> row, std::span<float> out) {
  const auto num_values = static_cast<int64_t>(out.size());
  ENGINE_CHECK(num_values % Info(dtype).block_values == 0);
  ENGINE_CHECK(static_cast<int64_t>(row.size()) == RowBytes(dtype, num_values));
  switch (dtype) {
    case DType::kF32:
      if (!out.empty()) std::memcpy(out.data(), row.data(), row.size());
      return;
    case DType::kF16:
      return WidenRow<F16ToF32>(row, out);
    case DType::kBF16:
      return WidenRow<Bf16ToF32>(row, out);
    default:
      return DequantizeGroups(dtype, row, out);
  }
}

}  // namespace engine
