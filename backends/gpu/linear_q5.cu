// y = x w^T over 5-bit blocks of 32, as block_product.h has it.
// A block computes one panel of 32 outputs for 1, 4, 16 or 64 tokens.
// A thread has one output row, and in turn groups (few tokens) or tokens (many).
#include "backends/gpu/block_product.h"

namespace engine::gpu {

GPU_KERNEL(linear_q5_0_one, LinearArgs, kLinearThreads) { FewTokensProduct<DType::kQ5_0, 1>(args); }
GPU_KERNEL(linear_q5_0_few, LinearArgs, kLinearThreads) { FewTokensProduct<DType::kQ5_0, kFewTokens>(args); }
GPU_KERNEL(linear_q5_0_small, LinearArgs, kLinearThreads) { FewTokensProduct<DType::kQ5_0, kSmallTokens>(args); }
GPU_KERNEL(linear_q5_0_tile, LinearArgs, kLinearThreads) { TileProduct<DType::kQ5_0>(args); }

GPU_KERNEL(linear_q5_1_one, LinearArgs, kLinearThreads) { FewTokensProduct<DType::kQ5_1, 1>(args); }
GPU_KERNEL(linear_q5_1_few, LinearArgs, kLinearThreads) { FewTokensProduct<DType::kQ5_1, kFewTokens>(args); }
GPU_KERNEL(linear_q5_1_small, LinearArgs, kLinearThreads) { FewTokensProduct<DType::kQ5_1, kSmallTokens>(args); }
GPU_KERNEL(linear_q5_1_tile, LinearArgs, kLinearThreads) { TileProduct<DType::kQ5_1>(args); }

}  // namespace engine::gpu
