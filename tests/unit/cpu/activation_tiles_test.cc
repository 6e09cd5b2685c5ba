#include "backends/cpu/activation_tiles.h"

#include <gtest/gtest.h>

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

TEST(ActivationTiles, StartDotProductsAtMinusZeroPointTimesTheSum) {
  const Rows rows(2);
  const ActivationTiles tiles(DType::kQ4_0, 64);  // zero point 8, one segment
  std::vector<std::byte> packed(tiles.tile_bytes(2));
  tiles.Pack(TileAt(0, 2), rows.bytes.data(), packed.data());
  const TileShape shape{2, 1, false};
  const auto* starts = reinterpret_cast<const int32_t*>(packed.data() + shape.group_bytes() + shape.starts_at());
  const auto* scales = reinterpret_cast<const float*>(packed.data() + shape.group_bytes() + shape.scales_at());
  EXPECT_EQ(starts[0], -8 * 32);
  EXPECT_EQ(starts[1], -8 * 64);
  EXPECT_EQ(scales[0], 0.5f);
  EXPECT_EQ(scales[1], 1.0f);
}

TEST(ActivationTiles, InterleaveTokensByQuads) {
  const Rows rows(4);
  const ActivationTiles tiles(DType::kQ6_K, 64);
  std::vector<std::byte> packed(tiles.tile_bytes(4));
  tiles.Pack(TileAt(0, 4), rows.bytes.data(), packed.data());
  for (int byte = 0; byte < 32 * 4; ++byte) EXPECT_EQ(packed[byte], static_cast<std::byte>(byte / 4 % 4 + 1)) << byte;
}

TEST(ActivationTiles, FillMissingTokensWithZeros) {
  const Rows rows(3);
  const ActivationTiles tiles(DType::kQ4_1, 64);
  std::vector<std::byte> packed(tiles.tile_bytes(4), std::byte{0xee});
  tiles.Pack(TileAt(0, 3), rows.bytes.data(), packed.data());
  for (int quad = 0; quad < 8; ++quad) EXPECT_EQ(packed[(quad * 4 + 3) * 4], std::byte{0});
  const TileShape shape{4, 1, true};
  EXPECT_EQ(reinterpret_cast<const float*>(packed.data() + shape.sums_at())[3], 0.0f);
}

TEST(ActivationTiles, PadAnOddRowOfBf16WithZero) {
  const uint16_t row[3] = {1, 2, 3};
  const ActivationTiles tiles(DType::kBF16, 3);
  std::vector<uint16_t> packed(tiles.tile_bytes(1) / 2, uint16_t{0xeeee});
  tiles.Pack(TileAt(0, 1), reinterpret_cast<const std::byte*>(row), reinterpret_cast<std::byte*>(packed.data()));
  EXPECT_EQ(packed, (std::vector<uint16_t>{1, 2, 3, 0}));
}

}  // namespace
}  // namespace engine::cpu
