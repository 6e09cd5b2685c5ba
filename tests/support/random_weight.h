// A weight of random bytes in checkpoint order: every bit pattern of every field occurs.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "core/kernel/weight_layout.h"
#include "core/weights/quant.h"

namespace engine {

// What panels hold. Checksums of their bytes depend on the order.
inline constexpr DType kPanelFormats[] = {DType::kQ4_0,   DType::kQ4_1,      DType::kQ5_0,      DType::kQ5_1,
                                          DType::kQ8_0,   DType::kQ4_K,      DType::kQ5_K,      DType::kQ6_K,
                                          DType::kBF16,   DType::kF16,       DType::kF32,       DType::kW8,
                                          DType::kIQ4_NL, DType::kIQ4_XS,    DType::kW4G32,     DType::kW4G64,
                                          DType::kW4G128, DType::kW4G32Bf16, DType::kW4G64Bf16, DType::kW4G128Bf16};

struct RandomWeight {
  RandomWeight(DType type, int64_t n, int64_t columns) : dtype(type), k(columns), bytes(n * RowBytes(type, columns)) {
    constexpr uint32_t kSeed = 7;
    std::mt19937 random(kSeed);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    for (int64_t row = 0; row < n; ++row) rows.push_back(bytes.data() + row * RowBytes(type, columns));
  }

  // Rows [begin, n) and then those before, as two workers may.
  std::vector<std::byte> Packed(const WeightLayout& layout, int64_t begin = 0) const {
    const auto n = static_cast<int64_t>(rows.size());
    std::vector<std::byte> packed(layout.bytes(dtype, n, k), std::byte{0xee});
    layout.pack({dtype, k, rows}, begin, n, packed.data());
    if (begin > 0) layout.pack({dtype, k, rows}, 0, begin, packed.data());
    return packed;
  }

  std::vector<float> Row(int64_t row) const {
    std::vector<float> values(k);
    DequantizeRow(dtype, {rows[row], static_cast<size_t>(RowBytes(dtype, k))}, values);
    return values;
  }

  DType dtype;
  int64_t k;
  std::vector<std::byte> bytes;
  std::vector<const std::byte*> rows;
};

// To compare numbers some of which are NaN.
inline std::vector<uint32_t> BitsOf(const std::vector<float>& values) {
  std::vector<uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<uint32_t>(value));
  return bits;
}

}  // namespace engine
