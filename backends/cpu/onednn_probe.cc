#include "backends/cpu/onednn_probe.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "backends/cpu/activation_tiles.h"
#include "core/base/bf16.h"

namespace engine::cpu {
namespace {

// Chunks begin at multiples of this many elements, as vector code unrolls k at least by that. Another beginning would show
// when the sums are compared.
constexpr int64_t kStep = 4;

// Rows that differ: one tile of ours. Primitives of more rows repeat them.
constexpr int kPatterns = kMaxTileTokens;

class AlignedBytes {
 public:
  explicit AlignedBytes(int64_t bytes) : lines_(bytes / 64 + 1) {}
  std::byte* data() { return lines_.data()->bytes; }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> lines_;
};

// Random bits, the same at every start.
class Numbers {
 public:
  uint32_t Bits() { return static_cast<uint32_t>((state_ = state_ * 6364136223846793005 + 1442695040888963407) >> 33); }

  // Three kinds of rows: numbers of size 1 with outliers, as activations have them; products around the smallest normal
  // number; sums that are it or just below. The last two show who flushes denormals, and the sign of zero.
  float Of(int64_t row, int64_t rows) {
    const uint32_t bits = Bits();
    const float uniform = static_cast<float>(static_cast<int32_t>(bits << 1)) * 0x1p-31f;
    if (row < rows * 3 / 4) return bits % 64 == 0 ? uniform * 1024.0f : uniform;
    if (row < rows * 7 / 8) return uniform * 0x1p-63f;
    return std::copysign(bits % 4 == 0 ? 0.0f : bits % 4 == 1 ? 0x1p-63f : 0x1p-75f, uniform);
  }

 private:
  uint64_t state_ = 1;
};

class Probe {
 public:
  Probe(const OneDnnProduct& product, DType dtype, int64_t k)
      : product_(product),
        dtype_(dtype),
        k_(k),
        rows_(OneDnnProduct::kMaxRows * RowBytes(dtype, k)),
        panel_(WidePanelBytes(dtype, k)),
        scratch_(product.scratch_bytes()),
        sums_(OneDnnProduct::kMaxRows * kWidePanelRows) {}

  std::vector<int64_t> FindChunkEnds();
  void MakeRandom();
  // Of the random rows' patterns: by our tiles, and by the library's smallest block.
  std::vector<float> OwnSums(const WideTileCode& code, const std::vector<int64_t>& chunk_ends);
  std::vector<float> SmallestSums();
  // OK, or the first sum of the block's primitive that is not the pattern's.
  absl::Status Compare(int block, const std::vector<float>& patterns);

 private:
  int64_t row_bytes() const { return RowBytes(dtype_, k_); }
  int64_t unit_values() const { return dtype_ == DType::kBF16 ? 2 : 1; }

  void Write(std::byte* row, int64_t i, float value) const {
    if (dtype_ == DType::kF32) return static_cast<void>(std::memcpy(row + i * 4, &value, 4));
    const uint16_t rounded = F32ToBf16(value);
    std::memcpy(row + i * 2, &rounded, 2);
  }
  template <typename Weight>
  void FillPanel(Weight&& weight);
  const float* Run(int block) {
    product_.Run({0, block, rows_.data(), panel_.data(), sums_.data(), scratch_.data()});
    return sums_.data();
  }

  const OneDnnProduct& product_;
  const DType dtype_;
  const int64_t k_;
  AlignedBytes rows_, panel_, scratch_;
  std::vector<float> sums_;
};

template <typename Weight>
void Probe::FillPanel(Weight&& weight) {
  std::vector<std::byte> rows(kWidePanelRows * row_bytes());
  std::vector<const std::byte*> pointers;
  for (int64_t r = 0; r < kWidePanelRows; ++r) {
    std::byte* row = rows.data() + r * row_bytes();
    for (int64_t i = 0; i < k_; ++i) Write(row, i, weight(r, i));
    pointers.push_back(row);
  }
  WideLayout().pack({dtype_, k_, pointers}, 0, kWidePanelRows, panel_.data());
}

// Products 2^24 before position p and 1, 1 from there on sum to 2^24 in one chain, where each 1 is lost, and to more if the
// sum starts anew exactly at p. Column c has them around position 4 c of every window of 256, and row r keeps those of one
// window: a single product of 16 rows looks at 1024 positions.
std::vector<int64_t> Probe::FindChunkEnds() {
  constexpr int64_t kWindow = kStep * kWidePanelRows;
  FillPanel([](int64_t column, int64_t i) {
    const int64_t distance = (i + 1 + kWindow - kStep * column) % kWindow;  // from p - 1
    return distance == 0 ? 0x1p24f : distance <= 2 ? 1.0f : 0.0f;
  });
  std::vector<int64_t> ends;
  for (int64_t start = 0; start < k_; start += OneDnnProduct::kMinRows * kWindow) {
    std::memset(rows_.data(), 0, OneDnnProduct::kMinRows * row_bytes());
    for (int r = 0; r < OneDnnProduct::kMinRows; ++r) {
      const int64_t first = start + r * kWindow - 1;
      for (int64_t i = std::max<int64_t>(first, 0); i < std::min(first + kWindow, k_); ++i) {
        Write(rows_.data() + r * row_bytes(), i, 1.0f);
      }
    }
    const float* sums = Run(OneDnnProduct::kNumBlocks - 1);
    for (int64_t i = start == 0 ? 1 : 0; i < OneDnnProduct::kMinRows * kWidePanelRows; ++i) {
      if (sums[i] > 0x1p24f) ends.push_back((start + i * kStep) / unit_values());
    }
  }
  ends.push_back((k_ + unit_values() - 1) / unit_values());
  return ends;
}

std::vector<float> Probe::OwnSums(const WideTileCode& code, const std::vector<int64_t>& chunk_ends) {
  const ActivationTiles tiles(dtype_, k_);
  const RowTile tile = TileAt(0, kPatterns);
  AlignedBytes packed(tiles.tile_bytes(kPatterns));
  tiles.Pack(tile, rows_.data(), packed.data());
  std::vector<float> sums(kPatterns * kWidePanelRows);
  code.run[tile.size_index]({panel_.data(), packed.data(), chunk_ends, sums.data()});
  return sums;
}

std::vector<float> Probe::SmallestSums() {
  static_assert(OneDnnProduct::kMinRows == kPatterns);
  const float* sums = Run(OneDnnProduct::kNumBlocks - 1);
  return {sums, sums + kPatterns * kWidePanelRows};
}

void Probe::MakeRandom() {
  Numbers numbers;
  FillPanel([&](int64_t row, int64_t) { return numbers.Of(row, kWidePanelRows); });
  for (int r = 0; r < OneDnnProduct::kMaxRows; ++r) {
    std::byte* row = rows_.data() + r * row_bytes();
    if (r >= kPatterns) std::memcpy(row, row - kPatterns * row_bytes(), row_bytes());
    for (int64_t i = 0; r < kPatterns && i < k_; ++i) Write(row, i, numbers.Of(r, kPatterns));
  }
}

absl::Status Probe::Compare(int block, const std::vector<float>& patterns) {
  const int rows = OneDnnProduct::kBlockRows[block];
  const float* sums = Run(block);
  for (int64_t i = 0; i < rows * kWidePanelRows; ++i) {
    const float want = patterns[i % std::ssize(patterns)];
    if (std::bit_cast<uint32_t>(sums[i]) == std::bit_cast<uint32_t>(want)) continue;
    return Unimplemented(
        "oneDNN adds %s products over k %d in an order of its own: row %d of %d, column %d is %a, not %a", Name(dtype_),
        k_, i / kWidePanelRows, rows, i % kWidePanelRows, sums[i], want);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OneDnnOrder> ProbeOrder(const OneDnnProduct& product, const WideTileCode& code, DType weight,
                                       int64_t k) {
  Probe probe(product, weight, k);
  OneDnnOrder order{.chunk_ends = probe.FindChunkEnds()};
  probe.MakeRandom();
  const std::vector<float> own = probe.OwnSums(code, order.chunk_ends);
  for (int block = 0; block < OneDnnProduct::kNumBlocks; ++block) {
    // Code for a rest of rows may add differently, and which blocks have such a rest is the library's business.
    absl::Status same = probe.Compare(block, own);
    if (same.ok()) order.blocks.push_back(block);
    if (!same.ok() && block == OneDnnProduct::kNumBlocks - 1) return same;
  }
  return order;
}

OneDnnOrder ProbeForeignOrder(const OneDnnProduct& product, DType weight, int64_t k) {
  Probe probe(product, weight, k);
  probe.MakeRandom();
  const std::vector<float> sums = probe.SmallestSums();
  OneDnnOrder order;
  for (int block = 0; block < OneDnnProduct::kNumBlocks; ++block) {
    if (probe.Compare(block, sums).ok()) order.blocks.push_back(block);
  }
  return order;
}

}  // namespace engine::cpu
