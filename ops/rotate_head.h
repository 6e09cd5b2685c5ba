// Inference and the per-head rotation that rope and qk_norm_rope share.
#pragma once

#include <span>

#include "core/base/status.h"
#include "ops/rope.h"

namespace engine {

// x, positions and table, the first three inputs of both ops.
absl::Status ExpectRopeInputs(const Rope& rope, std::span<const TensorSpec> in);

// One head in place. table: rotary_dim / 2 cosines, then as many sines, of the token's position.
void RotateHead(std::span<const float> table, std::span<float> head);

}  // namespace engine
