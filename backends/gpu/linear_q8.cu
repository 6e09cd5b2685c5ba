// y = x w^T over 8-bit blocks of 32 and rows, as block_product.h has it.
// A block computes one panel of 32 outputs for 1, 4, 16 or 64 tokens.
// A thread has one output row, and in turn groups (few tokens) or tokens (many).
#include "backends/gpu/block_product.h"

namespace engine::gpu {

GPU_KERNEL(linear_q8_0_one, LinearArgs, kLinearThreads) { FewTokensProduct<DType::kQ8_0, 1>(args); }
GPU_KERNEL(linear_q8_0_few, LinearArgs, kLinearThreads) { FewTokensProduct<DType::kQ8_0, kFewTokens>(args); }
GPU_KERNEL(linear_q8_0_small, LinearArgs, kLinearThreads) { FewTokensProduct<DType::kQ8_0, kSmallTokens>(args); }
GPU_KERNEL(linear_q8_0_tile, LinearArgs, kLinearThreads) { TileProduct<DType::kQ8_0>(args); }

GPU_KERNEL(linear_w8_one, LinearArgs, kLinearThreads) { FewTokensProduct<DType::kW8, 1>(args); }
GPU_KERNEL(linear_w8_few, LinearArgs, kLinearThreads) { FewTokensProduct<DType::kW8, kFewTokens>(args); }
GPU_KERNEL(linear_w8_small, LinearArgs, kLinearThreads, 2) { FewTokensProduct<DType::kW8, kSmallTokens>(args); }
GPU_KERNEL(linear_w8_tile, LinearArgs, kLinearThreads) { TileProduct<DType::kW8>(args); }

}  // namespace engine::gpu
