// Where oneDNN cuts the reduction index, found from what it computes: no document says so.
#pragma once

#include <vector>

#include "backends/cpu/onednn_product.h"
#include "backends/cpu/wide_tile.h"

namespace engine::cpu {

struct OneDnnOrder {
  // With these, WideTileCode gives the same bits (backends/cpu/wide_tile.h). Empty: the library's order is not ours.
  std::vector<int64_t> chunk_ends;
  std::vector<int> blocks;  // indices into kBlockRows, largest rows first: those that agree; the last is always one
};

// Declines when the smallest block adds in another order than a chain per chunk, naming the first sum that differs.
absl::StatusOr<OneDnnOrder> ProbeOrder(const OneDnnProduct& product, const WideTileCode& code, DType weight, int64_t k);

// For code whose order our tiles do not have: the blocks that agree with the smallest one.
OneDnnOrder ProbeForeignOrder(const OneDnnProduct& product, DType weight, int64_t k);

}  // namespace engine::cpu
