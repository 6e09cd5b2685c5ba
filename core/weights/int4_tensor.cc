#include "core/weights/int4_tensor.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/check.h"
#include "core/weights/quant_blocks.h"

namespace engine {
namespace {

constexpr int64_t kWordRows = kInt4RowStep;

template <typename T>
T Item(const StridedItems& items, int64_t i, int64_t j) {
  T value;
  std::memcpy(&value, items.bytes.data() + (i * items.i_step + j * items.j_step) * static_cast<int64_t>(sizeof(T)),
              sizeof(T));
  return value;
}

// Where a word has row `row` of its eight.
int Place(bool is_awq, int64_t row) {
  const auto r = static_cast<int>(row % kWordRows);
  return is_awq ? r % 2 * 4 + r / 2 : r;
}

// The integers of a word, a byte each.
uint64_t Spread(uint32_t word) {
  uint64_t bytes = word;
  bytes = (bytes | bytes << 16) & 0x0000ffff0000ffff;
  bytes = (bytes | bytes << 8) & 0x00ff00ff00ff00ff;
  return (bytes | bytes << 4) & 0x0f0f0f0f0f0f0f0f;
}

// Values 32 g … 32 g + 31 of a row: value i beside value i + 16.
void ReadGroup(const StridedItems& words, int64_t row, int64_t g, uint8_t* out) {
  std::array<uint64_t, 4> values;
  for (int w = 0; w < 4; ++w) values[w] = Spread(Item<uint32_t>(words, row, 4 * g + w));
  const std::array<uint64_t, 2> pairs = {values[0] | values[2] << 4, values[1] | values[3] << 4};
  std::memcpy(out, pairs.data(), sizeof(pairs));
}

// The same for the eight rows of a word; out[r] is where the group of row r goes.
void ReadGroups(const StridedItems& words, int64_t word_row, int64_t g, const std::array<uint8_t*, kWordRows>& out) {
  constexpr uint32_t kLow = 0x0f0f0f0f;
  // The words' even places, and their odd ones: value i of a row beside value i + 16, four rows to an item.
  std::array<std::array<uint32_t, 16>, 2> places;
  for (int i = 0; i < 16; ++i) {
    const auto first = Item<uint32_t>(words, word_row, 32 * g + i);
    const auto second = Item<uint32_t>(words, word_row, 32 * g + 16 + i);
    places[0][i] = (first & kLow) | (second & kLow) << 4;
    places[1][i] = (first >> 4 & kLow) | (second & ~kLow);
  }
  for (int r = 0; r < kWordRows; ++r) {
    const int place = Place(true, r);
    for (int i = 0; i < 16; ++i) out[r][i] = static_cast<uint8_t>(places[place % 2][i] >> place / 2 * 8);
  }
}

template <int kValues>
class RowReader {
 public:
  RowReader(const Int4Tensor& tensor, int64_t begin, std::byte* out)
      : tensor_(tensor), begin_(begin), blocks_(tensor.k / kValues), out_(reinterpret_cast<Block*>(out)) {}

  // Along k outside, for layouts where neighbouring rows are neighbours in memory.
  void Read(int64_t end) const {
    for (int64_t b = 0; b < blocks_; ++b) {
      for (int64_t row = begin_; row < end; row += kWordRows) {
        const int64_t rows = std::min(kWordRows, end - row);
        ReadScales(row, rows, b);
        if (tensor_.is_awq) {
          ReadWordRows(row, b);
        } else {
          for (int64_t r = 0; r < rows; ++r) ReadRow(row + r, b);
        }
      }
    }
  }

 private:
  using Block = BlockW4<kValues>;
  static constexpr int kGroups = kValues / 32;

  Block& At(int64_t row, int64_t b) const { return out_[(row - begin_) * blocks_ + b]; }

  void ReadScales(int64_t row, int64_t rows, int64_t b) const {
    const int64_t group = b * kValues / tensor_.group;
    const bool has_zero_points = !tensor_.zero_points.bytes.empty();
    const uint32_t word = has_zero_points ? Item<uint32_t>(tensor_.zero_points, row / kWordRows, group) : 0;
    for (int64_t r = 0; r < rows; ++r) {
      Block& block = At(row + r, b);
      block.d.set_bits(Item<uint16_t>(tensor_.scales, row + r, group));
      const int stored = has_zero_points ? static_cast<int>(word >> 4 * Place(tensor_.is_awq, r) & 15) : 8;
      block.zero_point = static_cast<uint8_t>(stored + (has_zero_points ? tensor_.zero_offset : 0));
    }
  }
  void ReadRow(int64_t row, int64_t b) const {
    for (int g = 0; g < kGroups; ++g) ReadGroup(tensor_.words, row, b * kGroups + g, At(row, b).qs[g].data());
  }
  void ReadWordRows(int64_t row, int64_t b) const {
    for (int g = 0; g < kGroups; ++g) {
      std::array<uint8_t*, kWordRows> out;
      for (int64_t r = 0; r < kWordRows; ++r) out[r] = At(row + r, b).qs[g].data();
      ReadGroups(tensor_.words, row / kWordRows, b * kGroups + g, out);
    }
  }

  const Int4Tensor& tensor_;
  int64_t begin_;
  int64_t blocks_;
  Block* out_;
};

}  // namespace

int64_t BlockValues(const Int4Tensor& tensor) { return std::min<int64_t>(128, tensor.group & -tensor.group); }

void ReadRows(const Int4Tensor& tensor, int64_t begin, int64_t end, std::byte* out) {
  ENGINE_CHECK(begin % kWordRows == 0 && (end % kWordRows == 0 || end == tensor.n));
  switch (BlockValues(tensor)) {
    case 32:
      return RowReader<32>(tensor, begin, out).Read(end);
    case 64:
      return RowReader<64>(tensor, begin, out).Read(end);
    case 128:
      return RowReader<128>(tensor, begin, out).Read(end);
    default:
      ENGINE_CHECK(!"groups are multiples of 32");
  }
}

}  // namespace engine
