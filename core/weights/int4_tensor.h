// Matrices of 4-bit integers as AWQ, GPTQ and compressed-tensors store them: integers, scales and zero points in tensors of
// their own, each with an order of its own. Rows of a block format (BlockW4 of quant_blocks.h) are made of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace engine {

// A matrix of items, item (i, j) at index i * i_step + j * j_step; items are of any alignment.
struct StridedItems {
  std::span<const std::byte> bytes;
  int64_t i_step = 0;
  int64_t j_step = 0;
};

// n rows of k values; `group` consecutive ones of a row share a scale and a zero point. Words are of 32 bits, eight integers
// each, the first in the lowest bits.
struct Int4Tensor {
  int64_t n = 0, k = 0;
  int64_t group = 0;
  // Eight values of a row to a word, item (row, k / 8); or, in AWQ's layout, of eight rows: item (row / 8, k).
  StridedItems words;
  bool is_awq = false;       // words, those of zero points too, hold rows in the order 0, 2, 4, 6, 1, 3, 5, 7
  StridedItems scales;       // f16 or bf16: item (row, group)
  StridedItems zero_points;  // words of eight rows: item (row / 8, group); without bytes, every zero point is 8
  int zero_offset = 0;       // what is added to stored zero points
};

// Values of the blocks that rows are made of: 32, 64 or 128, so that `group` is a multiple of it.
int64_t BlockValues(const Int4Tensor& tensor);

// Rows of a word.
inline constexpr int64_t kInt4RowStep = 8;

// Rows [begin, end) as blocks, lossless. `begin` is a multiple of kInt4RowStep, and so is `end` if it is not n.
void ReadRows(const Int4Tensor& tensor, int64_t begin, int64_t end, std::byte* out);

}  // namespace engine
