#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "backends/gpu/panel_layout.h"
#include "backends/gpu/weight_panel.h"
#include "core/base/checksum.h"

namespace engine::gpu {
namespace {

constexpr uint32_t kSeed = 7;

constexpr DType kFormats[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,   DType::kQ5_1,  DType::kQ8_0,
                              DType::kQ4_K, DType::kQ5_K, DType::kQ6_K,   DType::kBF16,  DType::kF16,
                              DType::kF32,  DType::kW8,   DType::kIQ4_NL, DType::kIQ4_XS};

// An [n, k] weight of random bytes.
struct Checkpoint {
  Checkpoint(DType type, int64_t n, int64_t columns) : dtype(type), k(columns), bytes(n * RowBytes(type, columns)) {
    std::mt19937 random(kSeed);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    for (int64_t row = 0; row < n; ++row) rows.push_back(bytes.data() + row * RowBytes(type, columns));
  }

  // Rows [begin, n) and then those before, as two workers may.
  std::vector<std::byte> Packed(int64_t begin = 0) const {
    const auto n = static_cast<int64_t>(rows.size());
    std::vector<std::byte> packed(PanelLayout().bytes(dtype, n, k), std::byte{0xee});
    PanelLayout().pack({dtype, k, rows}, begin, n, packed.data());
    if (begin > 0) PanelLayout().pack({dtype, k, rows}, 0, begin, packed.data());
    return packed;
  }

  DType dtype;
  int64_t k;
  std::vector<std::byte> bytes;
  std::vector<const std::byte*> rows;
};

class GpuPanelLayouts : public testing::TestWithParam<DType> {};

TEST_P(GpuPanelLayouts, MayBePackedInParts) {
  const Checkpoint weight(GetParam(), 77, 2 * std::max(32, Info(GetParam()).block_values));
  EXPECT_EQ(weight.Packed(64), weight.Packed());
}

// Loads of a lane are 16 bytes wide, and a panel follows another.
TEST_P(GpuPanelLayouts, StartEveryPanelAndFieldAtWholeSectors) {
  const PanelRecord record = RecordOf(GetParam());
  for (const int at : {record.levels_at, record.high_at, record.low_at, record.bytes}) EXPECT_EQ(at % 32, 0);
  EXPECT_EQ(PanelLayout().bytes(GetParam(), 1, 768) % 32, 0);
}

INSTANTIATE_TEST_SUITE_P(Formats, GpuPanelLayouts, testing::ValuesIn(kFormats),
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
  EXPECT_EQ(BitsPerWeight(DType::kBF16), 16.0);
}

// Packed files live longer than an engine. Where this fails, the bytes have changed: raise kPanel32Version and put the new
// checksum here.
TEST(GpuPanelLayout, HasTheBytesOfItsVersion) {
  ASSERT_EQ(kPanel32Version, 1);
  std::vector<std::byte> all;
  for (const DType dtype : kFormats) {
    const std::vector<std::byte> packed = Checkpoint(dtype, 37, 3 * std::max(32, Info(dtype).block_values)).Packed();
    all.insert(all.end(), packed.begin(), packed.end());
  }
  EXPECT_EQ(Checksum(all), 10401504948362842322u);
}

// The plain formats: a packed file of a block format is for panels alone.
TEST(GpuPanelLayout, GivesBackCheckpointRowsWhereItSaysSo) {
  const int64_t n = 37, k = 45;
  for (const DType dtype : {DType::kBF16, DType::kF16, DType::kF32}) {
    ASSERT_TRUE(PanelLayout().unpacks(dtype));
    const Checkpoint weight(dtype, n, k);
    const std::vector<std::byte> packed = weight.Packed();
    std::vector<std::byte> row(RowBytes(dtype, k));
    for (int64_t r = 0; r < n; ++r) {
      PanelLayout().unpack_row(dtype, k, packed.data(), r, row.data());
      EXPECT_TRUE(std::equal(row.begin(), row.end(), weight.rows[r])) << Name(dtype) << ", row " << r;
    }
  }
}

}  // namespace
}  // namespace engine::gpu
