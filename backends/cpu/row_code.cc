#include "backends/cpu/row_code.h"

namespace engine::cpu {

absl::Status RequireHeadDim(int64_t head_dim) {
  if (head_dim <= kMaxHeadDim) return absl::OkStatus();
  return InvalidArgument("head_dim is %d; it takes at most %d", head_dim, kMaxHeadDim);
}

}  // namespace engine::cpu
