#include "conformance/test_data.h"

#include <bit>
#include <cmath>

#include "core/base/bf16.h"
#include "core/base/check.h"
#include "core/tensor/q8_row.h"
#include "core/weights/quant.h"
#include "ops/store_row.h"

namespace engine {

float TestData::Number(Values kind) {
  const float normal = std::normal_distribution<float>()(random_);
  const uint64_t bits = random_();
  switch (kind) {
    case Values::kNormal:
      return normal;
    case Values::kOutliers:
      return bits % 50 == 0 ? normal * 1000.0f : normal;
    case Values::kZeros:
      return std::copysign(0.0f, normal);
    case Values::kDenormals:  // exponent fields 0 to 7
      return std::bit_cast<float>(static_cast<uint32_t>(bits & 0x83ffffffu));
    case Values::kTiny:
      return std::ldexp(normal, -63 + static_cast<int>(bits % 17) - 8);
    case Values::kBorder:
      return std::copysign(bits % 4 == 0 ? 0.0f : bits % 4 == 1 ? 0x1p-63f : 0x1p-75f, normal);
  }
  return 0.0f;
}

std::vector<float> TestData::Floats(int64_t count, Values kind) {
  std::vector<float> values(count);
  for (float& value : values) value = Number(kind);
  return values;
}

std::vector<int32_t> TestData::Integers(int64_t count, int32_t low, int32_t high) {
  std::vector<int32_t> values(count);
  for (int32_t& value : values) value = std::uniform_int_distribution<int32_t>(low, high)(random_);
  return values;
}

CaseInput TestData::Rows(DType dtype, int64_t leading, int64_t rows, int64_t columns, Values kind) {
  CaseInput input = {.spec = {dtype, {leading, columns}}, .data = {}};
  const int64_t row_bytes = input.spec.row_bytes();
  input.data.resize(rows * row_bytes);
  for (int64_t r = 0; r < rows; ++r) StoreRow(dtype, Floats(columns, kind), input.data.data() + r * row_bytes);
  return input;
}

CaseInput TestData::Vector(int64_t size, Values kind) {
  return {.spec = {DType::kF32, {size}}, .data = BytesOf(Floats(size, kind))};
}

// Where the f16 scale stands: in front, except in q6_k, which ends with it. Formats with an offset keep it behind.
void TestData::RandomBlocks(DType dtype, std::byte* row, int64_t bytes) {
  for (int64_t i = 0; i < bytes; ++i) row[i] = static_cast<std::byte>(random_());
  const int block_bytes = Info(dtype).block_bytes;
  const int first = dtype == DType::kQ6_K ? block_bytes - 2 : 0;
  // Without its top exponent bit, an f16 is below 2 and finite.
  constexpr auto kBelowTwo = std::byte{0xbf};
  for (int64_t block = 0; block < bytes; block += block_bytes) {
    row[block + first + 1] &= kBelowTwo;
    if (HasOffset(dtype)) row[block + first + 3] &= kBelowTwo;
    if (dtype >= DType::kW4G32) row[block + 2] = static_cast<std::byte>(random_() % 17);  // the zero point
  }
}

CaseInput TestData::Weight(DType dtype, int64_t n, int64_t k, Values kind) {
  CaseInput input = {.spec = {dtype, {n, k}}, .data = {}, .is_weight = true};
  const int64_t row_bytes = RowBytes(dtype, k);
  input.data.resize(n * row_bytes);
  for (int64_t j = 0; j < n; ++j) {
    std::byte* row = input.data.data() + j * row_bytes;
    if (IsBlockQuantised(dtype) && j % 2 == 1) {
      RandomBlocks(dtype, row, row_bytes);
    } else if (IsBlockQuantised(dtype)) {
      QuantizeRow(dtype, Floats(k, kind), {row, static_cast<size_t>(row_bytes)});
    } else if (dtype == DType::kF16) {
      for (int64_t i = 0; i < k; ++i) reinterpret_cast<uint16_t*>(row)[i] = F32ToF16(Number(kind));
    } else {
      StoreRow(dtype, Floats(k, kind), row);
    }
  }
  return input;
}

CaseInput IntegerInput(int64_t leading, const std::vector<int32_t>& values) {
  return {.spec = {DType::kI32, {leading}}, .data = BytesOf(values)};
}

}  // namespace engine
