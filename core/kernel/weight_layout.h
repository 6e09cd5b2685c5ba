// How a device stores a weight: packed once, from checkpoint rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/dtype.h"
#include "core/tensor/spec.h"

namespace engine {

// Rows of an [n, k] weight in checkpoint order and format. Row pointers, so that permuted, concatenated and sliced
// weights need no copy.
struct WeightRows {
  DType dtype;
  int64_t k;
  std::span<const std::byte* const> rows;
};

struct WeightLayout {
  LayoutId id;
  int version;                                          // of the arrangement: `engine pack` writes it into its files
  bool (*holds)(DType dtype);                           // formats it stores without loss
  int64_t (*bytes)(DType dtype, int64_t n, int64_t k);  // of the packed weight
  int64_t row_step;                                     // packing may be cut at multiples of this many rows
  // Packs rows [begin, end) of the weight into `out`, the start of the whole packed weight.
  void (*pack)(const WeightRows& weight, int64_t begin, int64_t end, std::byte* out);
  // The inverse, where `unpacks` says so: a packed file may hold a layout that the kernels chosen here do not take.
  bool (*unpacks)(DType dtype);
  void (*unpack_row)(DType dtype, int64_t k, const std::byte* packed, int64_t row, std::byte* out);
};

// Checkpoint order: always available.
const WeightLayout& RowMajorLayout();

}  // namespace engine
