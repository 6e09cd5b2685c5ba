#include "backends/cpu/row_code.h"

namespace engine::cpu {

absl::Status RequireRowsOf32(const Problem& problem) {
  const int64_t columns = problem.in[0].shape.row_elements();
  if (columns % 32 == 0) return absl::OkStatus();
  return InvalidArgument("rows hold %d values; it needs a multiple of 32", columns);
}

absl::Status RequireHeadDim(int64_t head_dim) {
  if (head_dim % 16 == 0 && head_dim <= kMaxHeadDim) return absl::OkStatus();
  return InvalidArgument("head_dim is %d; it needs a multiple of 16, at most %d", head_dim, kMaxHeadDim);
}

}  // namespace engine::cpu
