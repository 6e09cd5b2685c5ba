// y = x w^T over bf16, f16 and f32 weights, as plain_product.h and narrow_tile.h have it.
// A slot of 32 lanes computes one panel of 32 outputs for 1 or 8 tokens, or a block two for 128.
// A thread has one output row and the chain of one chunk at a time, or its warp's share of 32 outputs.
#include "backends/gpu/narrow_tile.h"
#include "backends/gpu/plain_product.h"

namespace engine::gpu {

GPU_KERNEL(linear_bf16_one, LinearArgs, kRowThreads, 4) { PlainProduct<DType::kBF16, 1>(args); }
GPU_KERNEL(linear_bf16_tile, LinearArgs, kLinearThreads, 2) { PlainProduct<DType::kBF16, kSlotTokens>(args); }

GPU_KERNEL(linear_bf16_matrix, LinearArgs, kLinearThreads, 2) { NarrowTileProduct<DType::kBF16, true>(args); }
GPU_KERNEL(linear_bf16_rows_matrix, LinearArgs, kLinearThreads, 2) { NarrowTileProduct<DType::kBF16, false>(args); }
GPU_KERNEL(linear_f16_matrix, LinearArgs, kLinearThreads, 2) { NarrowTileProduct<DType::kF16, true>(args); }

GPU_KERNEL(linear_f16_one, LinearArgs, kRowThreads, 4) { PlainProduct<DType::kF16, 1>(args); }
GPU_KERNEL(linear_f16_tile, LinearArgs, kLinearThreads, 2) { PlainProduct<DType::kF16, kSlotTokens>(args); }

GPU_KERNEL(linear_f32_one, LinearArgs, kRowThreads, 4) { PlainProduct<DType::kF32, 1>(args); }
GPU_KERNEL(linear_f32_tile, LinearArgs, kLinearThreads, 2) { PlainProduct<DType::kF32, kSlotTokens>(args); }

}  // namespace engine::gpu
