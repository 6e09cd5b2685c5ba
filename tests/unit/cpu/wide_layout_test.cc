#include "backends/cpu/wide_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/base/checksum.h"
#include "tests/support/random_weight.h"

namespace engine::cpu {
namespace {

class WideLayouts : public testing::TestWithParam<DType> {};

TEST_P(WideLayouts, GiveBackEveryRow) {
  for (const int64_t k : {1, 33, 96}) {
    const RandomWeight weight(GetParam(), 70, k);
    const std::vector<std::byte> packed = weight.Packed(WideLayout());
    for (int64_t row = 0; row < 70; ++row) {
      std::vector<float> values(k);
      UnpackWideRow(GetParam(), packed.data(), row, values);
      EXPECT_EQ(BitsOf(values), BitsOf(weight.Row(row))) << row << " of k " << k;
    }
  }
}

TEST_P(WideLayouts, MayBePackedInParts) {
  const RandomWeight weight(GetParam(), 130, 40);
  EXPECT_EQ(weight.Packed(WideLayout(), 128), weight.Packed(WideLayout()));
}

TEST_P(WideLayouts, PadWithZeros) {
  const RandomWeight weight(GetParam(), 1, 33);
  const std::vector<std::byte> packed = weight.Packed(WideLayout());
  const int64_t element_bytes = Info(GetParam()).block_bytes;
  int64_t used = 0;
  for (const std::byte byte : packed) used += byte != std::byte{0};
  EXPECT_LE(used, 33 * element_bytes);
}

INSTANTIATE_TEST_SUITE_P(Formats, WideLayouts, testing::Values(DType::kBF16, DType::kF32),
                         [](const auto& info) { return std::string(Name(info.param)); });

// Packed files live longer than an engine. Where this fails, the bytes have changed: raise kPanel64Version and put the new
// checksum here.
TEST(WideLayout, HasTheBytesOfItsVersion) {
  ASSERT_EQ(kPanel64Version, 1);
  const int64_t n = 70, k = 41;
  std::vector<std::byte> rows(n * k * 4), all;
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::byte>(i * i >> 3);
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    std::vector<const std::byte*> pointers;
    for (int64_t row = 0; row < n; ++row) pointers.push_back(rows.data() + row * RowBytes(dtype, k));
    std::vector<std::byte> packed(WideLayout().bytes(dtype, n, k));
    WideLayout().pack({dtype, k, pointers}, 0, n, packed.data());
    all.insert(all.end(), packed.begin(), packed.end());
  }
  EXPECT_EQ(Checksum(all), 2168919690720869676u);
}

TEST_P(WideLayouts, GiveBackCheckpointRows) {
  const RandomWeight weight(GetParam(), 70, 33);
  const std::vector<std::byte> packed = weight.Packed(WideLayout());
  std::vector<std::byte> row(RowBytes(GetParam(), 33));
  for (int64_t r = 0; r < 70; ++r) {
    WideLayout().unpack_row(GetParam(), 33, packed.data(), r, row.data());
    EXPECT_TRUE(std::equal(row.begin(), row.end(), weight.rows[r])) << r;
  }
}

// BA16a64b2a and BA16a64b: which bytes a library looks for where.
TEST(WideLayout, IsTheLibrarysArrangement) {
  const RandomWeight pairs(DType::kBF16, 65, 40);
  const std::vector<std::byte> bf16 = pairs.Packed(WideLayout());
  ASSERT_EQ(bf16.size(), size_t{2 * 64 * 64 * 2});
  // Element i of row r: block of 64 rows, block of 32 elements, pair, row, half of the pair.
  const auto at = [](int64_t r, int64_t i) {
    return (((r / 64 * 2 + i / 32) * 16 + i % 32 / 2) * 64 + r % 64) * 2 + i % 2;
  };
  const auto* packed = reinterpret_cast<const uint16_t*>(bf16.data());
  for (const int64_t r : {0, 7, 63, 64}) {
    const auto* row = reinterpret_cast<const uint16_t*>(pairs.rows[r]);
    for (int64_t i = 0; i < 40; ++i) EXPECT_EQ(packed[at(r, i)], row[i]) << r << " " << i;
  }

  const RandomWeight numbers(DType::kF32, 65, 40);
  const std::vector<std::byte> f32 = numbers.Packed(WideLayout());
  ASSERT_EQ(f32.size(), size_t{2 * 48 * 64 * 4});
  for (const int64_t r : {0, 7, 63, 64}) {
    const auto* row = reinterpret_cast<const uint32_t*>(numbers.rows[r]);
    for (int64_t i = 0; i < 40; ++i) {
      EXPECT_EQ(reinterpret_cast<const uint32_t*>(f32.data())[(r / 64 * 48 + i) * 64 + r % 64], row[i])
          << r << " " << i;
    }
  }
}

}  // namespace
}  // namespace engine::cpu
