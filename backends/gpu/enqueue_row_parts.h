// Launches of kernels that store rows in parts (backends/gpu/store_row.h).
#pragma once

#include "backends/gpu/launch.h"
#include "backends/gpu/row_part.h"

namespace engine::gpu {

// A row of f32 inputs goes out as another dtype; kernels whose args have n, out_row_bytes and row_blocks.
template <typename Args>
void EnqueueRowParts(const LaunchArgs& launch, const KernelInstance& kernel, Args args) {
  const TensorSpec& out = *launch.out[0].spec;
  args.n = out.shape.row_elements();
  args.out = launch.out[0].data;
  args.out_row_bytes = out.row_bytes();
  args.row_blocks = DivideUp(args.n, kRowPartElements);
  Enqueue(launch, kernel, {.x = RowsOf(launch.out[0], launch) * args.row_blocks}, args);
}

}  // namespace engine::gpu
