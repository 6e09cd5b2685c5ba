// Wide tiles of every instruction set of this machine against the chain, one product at a time.
#include "backends/cpu/wide_tile.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "backends/cpu/activation_tiles.h"
#include "backends/cpu/isa/detect.h"
#include "backends/cpu/wide_layout.h"
#include "core/base/bf16_dot.h"
#include "core/weights/quant.h"

namespace engine::cpu {
namespace {

constexpr uint32_t kSeed = 5;

WideTileCode CodeOf(Isa isa, DType dtype) {
  if (isa == Isa::kAvx512) return avx512::WideTileCodeOf(dtype);
  return isa == Isa::kAvx2 ? avx2::WideTileCodeOf(dtype) : portable::WideTileCodeOf(dtype);
}

std::vector<std::byte> RandomRows(DType dtype, int64_t rows, int64_t k, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<std::byte> bytes(rows * RowBytes(dtype, k));
  std::vector<float> values(k);
  for (int64_t r = 0; r < rows; ++r) {
    for (float& value : values) value = normal(random);
    QuantizeRow(dtype, values, {bytes.data() + r * RowBytes(dtype, k), static_cast<size_t>(RowBytes(dtype, k))});
  }
  return bytes;
}

// Elements [begin, end), which are whole pairs but at the end of an odd k.
float ChunkSum(DType dtype, const std::byte* x, const std::byte* w, int64_t begin, int64_t end) {
  if (dtype == DType::kBF16) {
    return Bf16Dot(reinterpret_cast<const uint16_t*>(x) + begin, reinterpret_cast<const uint16_t*>(w) + begin,
                   end - begin);
  }
  float sum = 0.0f;
  for (int64_t i = begin; i < end; ++i) {
    sum = std::fma(reinterpret_cast<const float*>(x)[i], reinterpret_cast<const float*>(w)[i], sum);
  }
  return sum;
}

float Sum(DType dtype, const std::byte* x, const std::byte* w, int64_t k, const std::vector<int64_t>& unit_ends) {
  float sum = 0.0f;
  int64_t begin = 0;
  for (const int64_t unit_end : unit_ends) {
    const int64_t end = std::min(k, unit_end * (dtype == DType::kBF16 ? 2 : 1));
    const float chunk = ChunkSum(dtype, x, w, begin, end);
    sum = begin == 0 ? chunk : sum + chunk;
    begin = end;
  }
  return sum;
}

void CheckTile(Isa isa, DType dtype, int size_index) {
  constexpr int64_t kK = 333;
  const int64_t units = dtype == DType::kBF16 ? 167 : 333;
  const int tokens = kTileTokens[size_index];
  std::mt19937 random(kSeed);
  const std::vector<std::byte> x = RandomRows(dtype, tokens, kK, random);
  const std::vector<std::byte> w = RandomRows(dtype, kWidePanelRows, kK, random);
  std::vector<const std::byte*> rows;
  for (int64_t r = 0; r < kWidePanelRows; ++r) rows.push_back(w.data() + r * RowBytes(dtype, kK));
  std::vector<std::byte> panel(WidePanelBytes(dtype, kK));
  WideLayout().pack({dtype, kK, rows}, 0, kWidePanelRows, panel.data());
  const ActivationTiles tiles(dtype, kK);
  std::vector<std::byte> packed(tiles.tile_bytes(tokens));
  tiles.Pack({0, tokens, size_index}, x.data(), packed.data());

  for (const std::vector<int64_t>& ends : {std::vector{units}, std::vector<int64_t>{64, 144, 145, units}}) {
    std::vector<float> sums(tokens * kWidePanelRows);
    CodeOf(isa, dtype).run[size_index]({panel.data(), packed.data(), ends, sums.data()});
    for (int64_t i = 0; i < std::ssize(sums); ++i) {
      const float want =
          Sum(dtype, x.data() + i / kWidePanelRows * RowBytes(dtype, kK), rows[i % kWidePanelRows], kK, ends);
      ASSERT_EQ(std::bit_cast<uint32_t>(sums[i]), std::bit_cast<uint32_t>(want))
          << Name(isa) << " " << Name(dtype) << ", " << tokens << " tokens, " << ends.size() << " chunks, sum " << i;
    }
  }
}

TEST(WideTile, IsAChainPerChunkForEveryOutput) {
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (isa > MachineIsa()) continue;
    for (const DType dtype : {DType::kBF16, DType::kF32}) {
      for (int size = 0; size < kNumTileSizes; ++size) CheckTile(isa, dtype, size);
    }
  }
}

}  // namespace
}  // namespace engine::cpu
