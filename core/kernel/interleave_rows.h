// Rows side by side, as panels of plain formats have them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/kernel/weight_layout.h"

namespace engine {

// Unit u of row r goes to unit u * kRows + r of `out`; rows that are not there are left as they are. A row's odd bytes
// at the end, less than a unit, become a unit padded with zeros.
template <typename Unit, int64_t kRows>
void InterleaveRows(std::span<const std::byte* const> rows, int64_t row_bytes, std::byte* out) {
  constexpr auto kUnit = static_cast<int64_t>(sizeof(Unit));
  constexpr int64_t kLine = 64;  // of each row at a time, so that what is written stays in the first cache
  for (int64_t line = 0; line < row_bytes; line += kLine) {
    const int64_t end = std::min(line + kLine, row_bytes / kUnit * kUnit);
    for (size_t r = 0; r < rows.size(); ++r) {
      // Sixteen rows are too many streams for the hardware to follow.
      if (line + 4 * kLine < row_bytes) __builtin_prefetch(rows[r] + line + 4 * kLine);
      std::byte* column = out + static_cast<int64_t>(r) * kUnit;
      for (int64_t at = line; at < end; at += kUnit) std::memcpy(column + at * kRows, rows[r] + at, kUnit);
    }
  }
  const int64_t whole = row_bytes / kUnit * kUnit;
  if (whole == row_bytes) return;
  for (size_t r = 0; r < rows.size(); ++r) {
    Unit last{};
    std::memcpy(&last, rows[r] + whole, row_bytes - whole);
    std::memcpy(out + whole * kRows + static_cast<int64_t>(r) * kUnit, &last, kUnit);
  }
}

// The row back, without its padding.
template <typename Unit, int64_t kRows>
void DeinterleaveRow(const std::byte* panel, int64_t row, int64_t row_bytes, std::byte* out) {
  constexpr auto kUnit = static_cast<int64_t>(sizeof(Unit));
  const std::byte* column = panel + row * kUnit;
  for (int64_t at = 0; at < row_bytes; at += kUnit) {
    std::memcpy(out + at, column + at * kRows, std::min(kUnit, row_bytes - at));
  }
}

// Rows [begin, end) of a weight into its panels of kRows; `begin` starts one. What no row fills is zeros.
template <typename Unit, int64_t kRows>
void PackPanels(const WeightRows& weight, int64_t begin, int64_t end, int64_t panel_bytes, std::byte* out) {
  const int64_t row_bytes = RowBytes(weight.dtype, weight.k);
  for (int64_t row = begin; row < end; row += kRows) {
    const int64_t rows = std::min(kRows, end - row);
    std::byte* panel = out + row / kRows * panel_bytes;
    if (rows * row_bytes < panel_bytes) std::memset(panel, 0, panel_bytes);
    InterleaveRows<Unit, kRows>(weight.rows.subspan(row, rows), row_bytes, panel);
  }
}

}  // namespace engine
