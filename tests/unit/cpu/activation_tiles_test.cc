#include "backends/cpu/activation_tiles.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "core/tensor/q8_row.h"

namespace engine::cpu {
namespace {

// The sizes of the tiles that cover `rows` rows.
std::vector<int> TilesOf(int64_t rows) {
  std::vector<int> sizes;
  for (int64_t row = 0; row < rows;) {
    const RowTile tile = TileAt(row, rows);
    EXPECT_EQ(tile.first_row, row);
    EXPECT_LE(tile.rows, tile.tokens());
    sizes.push_back(tile.tokens());
    row += tile.rows;
    EXPECT_LE(row, rows);
  }
  return sizes;
}

TEST(ActivationTiles, CoverTheRowsWithFewTokensTooMany) {
  EXPECT_EQ(TilesOf(1), std::vector({1}));
  EXPECT_EQ(TilesOf(3), std::vector({4}));
  EXPECT_EQ(TilesOf(8), std::vector({8}));
  EXPECT_EQ(TilesOf(10), std::vector({8, 2}));
  EXPECT_EQ(TilesOf(13), std::vector({16}));
  EXPECT_EQ(TilesOf(37), std::vector({16, 16, 8}));
}

TEST(ActivationTiles, OnlyTheLastTileIsPartlyEmpty) {
  for (int64_t rows = 1; rows < 70; ++rows) {
    for (int64_t row = 0; row < rows;) {
      const RowTile tile = TileAt(row, rows);
      row += tile.rows;
      EXPECT_TRUE(tile.rows == tile.tokens() || row == rows) << rows;
    }
  }
}

// Row r holds r + 1 everywhere, in k = 64.
struct Rows {
  explicit Rows(int count) : bytes(count * Q8RowBytes(64)) {
    for (int r = 0; r < count; ++r) {
      const Q8Row row = Q8RowAt(bytes.data() + r * Q8RowBytes(64), 64);
      std::fill_n(row.values, 64, static_cast<int8_t>(r + 1));
      std::fill_n(row.scales, 2, 0.5f * static_cast<float>(r + 1));
      std::fill_n(row.sums, 4, static_cast<int16_t>(16 * (r + 1)));
    }
  }
  std::vector<std::byte> bytes;
};

template <typename T>
T NumberAt(const std::vector<std::byte>& packed, int at) {
  T number;
  std::memcpy(&number, packed.data() + at, sizeof number);
  return number;
}

TEST(ActivationTiles, StartDotProductsAtMinusZeroPointTimesTheSum) {
  const Rows rows(2);
  const ActivationTiles tiles(DType::kQ4_0, 64);  // zero point 8, one segment
  std::vector<std::byte> packed(tiles.tile_bytes(2));
  tiles.Pack(TileAt(0, 2), rows.bytes.data(), packed.data());
  const TileShape shape{2, 1, false};
  for (int group = 0; group < 2; ++group) {
    for (int token = 0; token < 2; ++token) {
      const int at = token * shape.line_bytes() + group * 4;
      EXPECT_EQ(NumberAt<int32_t>(packed, shape.starts_at() + at), -8 * 32 * (token + 1));
      EXPECT_EQ(NumberAt<float>(packed, shape.scales_at() + at), 0.5f * static_cast<float>(token + 1));
    }
  }
}

TEST(ActivationTiles, StartEachSegmentAtItsOwnSum) {
  Rows rows(1);
  int16_t* const sums = Q8RowAt(rows.bytes.data(), 64).sums;
  for (int s = 0; s < 4; ++s) sums[s] = static_cast<int16_t>(s + 1);
  const ActivationTiles tiles(DType::kQ6_K, 64);  // zero point 32, two segments
  std::vector<std::byte> packed(tiles.tile_bytes(1));
  tiles.Pack(TileAt(0, 1), rows.bytes.data(), packed.data());
  const TileShape shape{1, 2, false};
  for (int group = 0; group < 2; ++group) {
    for (int segment = 0; segment < 2; ++segment) {
      const int at = shape.starts_at() + segment * shape.line_bytes() + group * 4;
      EXPECT_EQ(NumberAt<int32_t>(packed, at), -32 * (2 * group + segment + 1));
    }
  }
}

TEST(ActivationTiles, KeepTheValuesOfAGroupTogether) {
  const Rows rows(4);
  const ActivationTiles tiles(DType::kQ6_K, 64);
  std::vector<std::byte> packed(tiles.tile_bytes(4));
  tiles.Pack(TileAt(0, 4), rows.bytes.data(), packed.data());
  for (int byte = 0; byte < 64 * 4; ++byte) EXPECT_EQ(packed[byte], static_cast<std::byte>(byte / 32 % 4 + 1)) << byte;
}

TEST(ActivationTiles, FillMissingTokensWithZeros) {
  const Rows rows(3);
  const ActivationTiles tiles(DType::kQ4_1, 64);
  std::vector<std::byte> packed(tiles.tile_bytes(4), std::byte{0xee});
  tiles.Pack(TileAt(0, 3), rows.bytes.data(), packed.data());
  for (int byte = 0; byte < 32; ++byte) EXPECT_EQ(packed[3 * 32 + byte], std::byte{0});
  const TileShape shape{4, 1, true};
  EXPECT_EQ(NumberAt<float>(packed, shape.sums_at() + 3 * shape.line_bytes()), 0.0f);
}

TEST(ActivationTiles, PadAnOddRowOfBf16WithZero) {
  const uint16_t row[3] = {1, 2, 3};
  const ActivationTiles tiles(DType::kBF16, 3);
  std::vector<uint16_t> packed(tiles.tile_bytes(1) / 2, uint16_t{0xeeee});
  tiles.Pack(TileAt(0, 1), reinterpret_cast<const std::byte*>(row), reinterpret_cast<std::byte*>(packed.data()));
  EXPECT_EQ(packed, (std::vector<uint16_t>{1, 2, 3, 0}));
}

TEST(ActivationTiles, WidenPairsOfBf16ToUnitsOfEightBytes) {
  const uint16_t rows[2][3] = {{0x3f80, 0x4000, 0x4040}, {0xbf80, 0xc000, 0xc040}};
  const ActivationTiles tiles(DType::kBF16, 3, 8);
  std::vector<float> packed(tiles.tile_bytes(2) / sizeof(float), 7.0f);
  tiles.Pack(TileAt(0, 2), reinterpret_cast<const std::byte*>(rows), reinterpret_cast<std::byte*>(packed.data()));
  EXPECT_EQ(packed, (std::vector<float>{1, 2, -1, -2, 3, 0, -3, 0}));
}

}  // namespace
}  // namespace engine::cpu
