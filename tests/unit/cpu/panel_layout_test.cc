#include "backends/cpu/panel_layout.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/base/checksum.h"
#include "tests/support/random_weight.h"

namespace engine::cpu {
namespace {

std::vector<float> UnpackedRow(const RandomWeight& weight, const std::vector<std::byte>& packed, int64_t row) {
  std::vector<float> values(weight.k);
  UnpackPanelRow(weight.dtype, packed.data(), row, values);
  return values;
}

class PanelLayouts : public testing::TestWithParam<DType> {};

TEST_P(PanelLayouts, GiveBackEveryRowBitForBit) {
  const int64_t n = 37, k = 3 * std::max(32, Info(GetParam()).block_values);
  const RandomWeight weight(GetParam(), n, k);
  const std::vector<std::byte> packed = weight.Packed(PanelLayout());
  for (int64_t row = 0; row < n; ++row)
    EXPECT_EQ(BitsOf(UnpackedRow(weight, packed, row)), BitsOf(weight.Row(row))) << row;
}

TEST_P(PanelLayouts, MayBePackedInParts) {
  const int64_t n = 37, k = 2 * std::max(32, Info(GetParam()).block_values);
  const RandomWeight weight(GetParam(), n, k);
  EXPECT_EQ(weight.Packed(PanelLayout(), 32), weight.Packed(PanelLayout()));
}

TEST_P(PanelLayouts, StartEveryPanelAtACacheLine) {
  for (const int64_t blocks : {1, 2, 3, 5}) {
    EXPECT_EQ(PanelBytes(GetParam(), blocks * std::max(32, Info(GetParam()).block_values)) % 64, 0) << blocks;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, PanelLayouts, testing::ValuesIn(kPanelFormats),
                         [](const auto& info) { return std::string(Name(info.param)); });

// A row's share of a panel, in bits per weight; 256 divides k, so nothing is padded.
double BitsPerWeight(DType dtype) { return static_cast<double>(PanelBytes(dtype, 2048)) * 8 / (2048 * kPanelRows); }

TEST(PanelLayout, KeepsWeightsAboutAsSmallAsTheCheckpoint) {
  EXPECT_EQ(BitsPerWeight(DType::kQ4_0), 4.5);
  EXPECT_EQ(BitsPerWeight(DType::kQ4_1), 5.0);
  EXPECT_EQ(BitsPerWeight(DType::kQ4_K), 4.625);
  EXPECT_EQ(BitsPerWeight(DType::kQ5_K), 5.625);
  EXPECT_EQ(BitsPerWeight(DType::kQ6_K), 6.625);
  EXPECT_EQ(BitsPerWeight(DType::kQ8_0), 8.5);
  EXPECT_EQ(BitsPerWeight(DType::kW8), 8.0);
  EXPECT_EQ(BitsPerWeight(DType::kIQ4_NL), 4.5);
  EXPECT_EQ(BitsPerWeight(DType::kIQ4_XS), 4.375);
  EXPECT_EQ(BitsPerWeight(DType::kW4G32), 4.75);
  EXPECT_EQ(BitsPerWeight(DType::kW4G64Bf16), 4.375);
  EXPECT_EQ(BitsPerWeight(DType::kW4G128), 4.1875);
  EXPECT_EQ(BitsPerWeight(DType::kBF16), 16.0);
}

// Packed files live longer than an engine. Where this fails, the bytes have changed: raise kPanel16Version and put the new
// checksum here.
TEST(PanelLayout, HasTheBytesOfItsVersion) {
  ASSERT_EQ(kPanel16Version, 2);
  std::vector<std::byte> all;
  const auto append = [&](DType dtype) {
    const int64_t n = 37, k = 3 * std::max(32, Info(dtype).block_values);
    const std::vector<std::byte> packed = RandomWeight(dtype, n, k).Packed(PanelLayout());
    all.insert(all.end(), packed.begin(), packed.end());
  };
  for (const DType dtype : kPanelFormats) append(dtype);
  EXPECT_EQ(Checksum(all), 4440480499695783297u);
}

// The plain formats: a packed file of a block format is for panels alone.
TEST(PanelLayout, GivesBackCheckpointRowsWhereItSaysSo) {
  const int64_t n = 37, k = 35;
  int formats = 0;
  for (const DType dtype : kPanelFormats) {
    if (!PanelLayout().unpacks(dtype)) continue;
    ++formats;
    const RandomWeight weight(dtype, n, k);
    const std::vector<std::byte> packed = weight.Packed(PanelLayout());
    std::vector<std::byte> row(RowBytes(dtype, k));
    for (int64_t r = 0; r < n; ++r) {
      PanelLayout().unpack_row(dtype, k, packed.data(), r, row.data());
      EXPECT_TRUE(std::equal(row.begin(), row.end(), weight.rows[r])) << Name(dtype) << " " << r;
    }
  }
  EXPECT_EQ(formats, 3);
}

TEST(PanelLayout, PadsTheLastPanelWithZeroRows) {
  const RandomWeight weight(DType::kBF16, 1, 33);
  const std::vector<std::byte> packed = weight.Packed(PanelLayout());
  for (int64_t row = 1; row < kPanelRows; ++row) {
    EXPECT_EQ(UnpackedRow(weight, packed, row), std::vector<float>(33, 0.0f)) << row;
  }
}

}  // namespace
}  // namespace engine::cpu
