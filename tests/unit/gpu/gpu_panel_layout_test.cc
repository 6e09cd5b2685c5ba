#include <gtest/gtest.h>

#include <vector>

#include "backends/gpu/panel_layout.h"
#include "backends/gpu/weight_panel.h"
#include "core/base/checksum.h"
#include "tests/support/random_weight.h"

namespace engine::gpu {
namespace {

class GpuPanelLayouts : public testing::TestWithParam<DType> {};

TEST_P(GpuPanelLayouts, MayBePackedInParts) {
  const RandomWeight weight(GetParam(), 77, 2 * std::max(32, Info(GetParam()).block_values));
  EXPECT_EQ(weight.Packed(PanelLayout(), 64), weight.Packed(PanelLayout()));
}

// Loads of a lane are 16 bytes wide, and a panel follows another.
TEST_P(GpuPanelLayouts, StartEveryPanelAndFieldAtWholeSectors) {
  const PanelRecord record = RecordOf(GetParam());
  for (const int at : {record.levels_at, record.high_at, record.low_at, record.bytes}) EXPECT_EQ(at % 32, 0);
  EXPECT_EQ(PanelLayout().bytes(GetParam(), 1, 768) % 32, 0);
}

INSTANTIATE_TEST_SUITE_P(Formats, GpuPanelLayouts, testing::ValuesIn(kPanelFormats),
                         [](const auto& info) { return std::string(Name(info.param)); });

double BitsPerWeight(DType dtype) {
  return static_cast<double>(PanelLayout().bytes(dtype, kPanelRows, 2048)) * 8 / (2048 * kPanelRows);
}

TEST(GpuPanelLayout, KeepsWeightsAboutAsSmallAsTheCheckpoint) {
  EXPECT_EQ(BitsPerWeight(DType::kQ4_0), 4.5);
  EXPECT_EQ(BitsPerWeight(DType::kQ4_1), 5.0);
  EXPECT_EQ(BitsPerWeight(DType::kQ4_K), 4.625);
  EXPECT_EQ(BitsPerWeight(DType::kQ5_K), 5.625);
  EXPECT_EQ(BitsPerWeight(DType::kQ6_K), 6.5625);
  EXPECT_EQ(BitsPerWeight(DType::kQ8_0), 8.5);
  EXPECT_EQ(BitsPerWeight(DType::kW8), 8.0);
  EXPECT_EQ(BitsPerWeight(DType::kIQ4_NL), 4.5);
  EXPECT_EQ(BitsPerWeight(DType::kIQ4_XS), 4.3125);
  EXPECT_EQ(BitsPerWeight(DType::kW4G32), 5.0);
  EXPECT_EQ(BitsPerWeight(DType::kW4G64Bf16), 4.5);
  EXPECT_EQ(BitsPerWeight(DType::kW4G128), 4.25);
  EXPECT_EQ(BitsPerWeight(DType::kBF16), 16.0);
}

// Packed files live longer than an engine. Where this fails, the bytes have changed: raise kPanel32Version and put the new
// checksum here.
TEST(GpuPanelLayout, HasTheBytesOfItsVersion) {
  ASSERT_EQ(kPanel32Version, 1);
  std::vector<std::byte> all;
  for (const DType dtype : kPanelFormats) {
    const std::vector<std::byte> packed =
        RandomWeight(dtype, 37, 3 * std::max(32, Info(dtype).block_values)).Packed(PanelLayout());
    all.insert(all.end(), packed.begin(), packed.end());
  }
  EXPECT_EQ(Checksum(all), 8778105690408690151u);
}

// The plain formats: a packed file of a block format is for panels alone.
TEST(GpuPanelLayout, GivesBackCheckpointRowsWhereItSaysSo) {
  const int64_t n = 37, k = 45;
  for (const DType dtype : {DType::kBF16, DType::kF16, DType::kF32}) {
    ASSERT_TRUE(PanelLayout().unpacks(dtype));
    const RandomWeight weight(dtype, n, k);
    const std::vector<std::byte> packed = weight.Packed(PanelLayout());
    std::vector<std::byte> row(RowBytes(dtype, k));
    for (int64_t r = 0; r < n; ++r) {
      PanelLayout().unpack_row(dtype, k, packed.data(), r, row.data());
      EXPECT_TRUE(std::equal(row.begin(), row.end(), weight.rows[r])) << Name(dtype) << ", row " << r;
    }
  }
}

}  // namespace
}  // namespace engine::gpu
