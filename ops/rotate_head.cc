#include "ops/rotate_head.h"

#include <cmath>

#include "ops/expect.h"

namespace engine {

absl::Status ExpectRopeInputs(const Rope& rope, std::span<const TensorSpec> in) {
  if (rope.rotary_dim < 2 || rope.rotary_dim % 2 != 0 || rope.rotary_dim > rope.head_dim) {
    return InvalidArgument("rotary_dim is %d; it must be even and at most head_dim (%d)", rope.rotary_dim,
                           rope.head_dim);
  }
  if (rope.out != DType::kF32 && rope.out != DType::kBF16) {
    return InvalidArgument("out is %s; heads are stored as f32 or bf16", Name(rope.out));
  }
  RETURN_IF_ERROR(ExpectRows("x", in[0], {DType::kF32}, int64_t{rope.heads} * rope.head_dim));
  RETURN_IF_ERROR(Expect("positions", in[1], {DType::kI32, {in[0].shape.leading()}}));
  return ExpectRows("table", in[2], {DType::kF32}, rope.rotary_dim);
}

void RotateHead(std::span<const float> table, std::span<float> head) {
  const size_t half = table.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    const float cosine = table[i];
    const float sine = table[i + half];
    const float x0 = head[i];
    const float x1 = head[i + half];
    head[i] = std::fma(-x1, sine, x0 * cosine);
    head[i + half] = std::fma(x0, sine, x1 * cosine);
  }
}

}  // namespace engine
