#include "backends/cpu/panel_layout.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

#include "core/base/checksum.h"
#include "core/weights/quant.h"

namespace engine::cpu {
namespace {

constexpr uint32_t kSeed = 7;

constexpr DType kFormats[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,   DType::kQ5_1,  DType::kQ8_0,
                              DType::kQ4_K, DType::kQ5_K, DType::kQ6_K,   DType::kBF16,  DType::kF16,
                              DType::kF32,  DType::kW8,   DType::kIQ4_NL, DType::kIQ4_XS};

// An [n, k] weight of random bytes: every bit pattern of every field occurs.
struct Checkpoint {
  Checkpoint(DType type, int64_t n, int64_t columns) : dtype(type), k(columns), bytes(n * RowBytes(type, columns)) {
    std::mt19937 random(kSeed);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    for (int64_t row = 0; row < n; ++row) rows.push_back(bytes.data() + row * RowBytes(type, columns));
  }

  WeightRows weight() const { return {dtype, k, rows}; }
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

std::vector<uint32_t> Bits(const std::vector<float>& values) {
  std::vector<uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<uint32_t>(value));
  return bits;
}

std::vector<float> UnpackedRow(const Checkpoint& weight, const std::vector<std::byte>& packed, int64_t row) {
  std::vector<float> values(weight.k);
  UnpackPanelRow(weight.dtype, packed.data(), row, values);
  return values;
}

class PanelLayouts : public testing::TestWithParam<DType> {};

TEST_P(PanelLayouts, GiveBackEveryRowBitForBit) {
  const int64_t n = 37, k = 3 * std::max(32, Info(GetParam()).block_values);
  const Checkpoint weight(GetParam(), n, k);
  std::vector<std::byte> packed(PanelLayout().bytes(GetParam(), n, k));
  PanelLayout().pack(weight.weight(), 0, n, packed.data());
  for (int64_t row = 0; row < n; ++row) EXPECT_EQ(Bits(UnpackedRow(weight, packed, row)), Bits(weight.Row(row))) << row;
}

TEST_P(PanelLayouts, MayBePackedInParts) {
  const int64_t n = 37, k = 2 * std::max(32, Info(GetParam()).block_values);
  const Checkpoint weight(GetParam(), n, k);
  std::vector<std::byte> whole(PanelLayout().bytes(GetParam(), n, k));
  std::vector<std::byte> parts(whole.size(), std::byte{0xee});
  PanelLayout().pack(weight.weight(), 0, n, whole.data());
  PanelLayout().pack(weight.weight(), 32, n, parts.data());
  PanelLayout().pack(weight.weight(), 0, 32, parts.data());
  EXPECT_EQ(parts, whole);
}

TEST_P(PanelLayouts, StartEveryPanelAtACacheLine) {
  for (const int64_t blocks : {1, 2, 3, 5}) {
    EXPECT_EQ(PanelBytes(GetParam(), blocks * std::max(32, Info(GetParam()).block_values)) % 64, 0) << blocks;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, PanelLayouts, testing::ValuesIn(kFormats),
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
  EXPECT_EQ(BitsPerWeight(DType::kBF16), 16.0);
}

// Packed files live longer than an engine. Where this fails, the bytes have changed: raise kPanel16Version and put the new
// checksum here.
TEST(PanelLayout, HasTheBytesOfItsVersion) {
  ASSERT_EQ(kPanel16Version, 1);
  std::vector<std::byte> all;
  for (const DType dtype : kFormats) {
    const int64_t n = 37, k = 3 * std::max(32, Info(dtype).block_values);
    std::vector<std::byte> packed(PanelLayout().bytes(dtype, n, k));
    PanelLayout().pack(Checkpoint(dtype, n, k).weight(), 0, n, packed.data());
    all.insert(all.end(), packed.begin(), packed.end());
  }
  EXPECT_EQ(Checksum(all), 13484365811895020577u);
}

// The plain formats: a packed file of a block format is for panels alone.
TEST(PanelLayout, GivesBackCheckpointRowsWhereItSaysSo) {
  const int64_t n = 37, k = 35;
  int formats = 0;
  for (const DType dtype : kFormats) {
    if (!PanelLayout().unpacks(dtype)) continue;
    ++formats;
    const Checkpoint weight(dtype, n, k);
    std::vector<std::byte> packed(PanelLayout().bytes(dtype, n, k)), row(RowBytes(dtype, k));
    PanelLayout().pack(weight.weight(), 0, n, packed.data());
    for (int64_t r = 0; r < n; ++r) {
      PanelLayout().unpack_row(dtype, k, packed.data(), r, row.data());
      EXPECT_TRUE(std::equal(row.begin(), row.end(), weight.rows[r])) << Name(dtype) << " " << r;
    }
  }
  EXPECT_EQ(formats, 3);
}

TEST(PanelLayout, PadsTheLastPanelWithZeroRows) {
  const Checkpoint weight(DType::kBF16, 1, 33);
  std::vector<std::byte> packed(PanelLayout().bytes(DType::kBF16, 1, 33), std::byte{0xee});
  PanelLayout().pack(weight.weight(), 0, 1, packed.data());
  for (int64_t row = 1; row < kPanelRows; ++row) {
    EXPECT_EQ(UnpackedRow(weight, packed, row), std::vector<float>(33, 0.0f)) << row;
  }
}

}  // namespace
}  // namespace engine::cpu
