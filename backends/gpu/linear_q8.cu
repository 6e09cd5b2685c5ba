// y = x w^T over 8-bit blocks of 32 and rows, as block_product.h and tile_product.h have it.
// A block computes one panel of 32 outputs for 1, 4 or 8 tokens, or two for 128.
// A thread has one output row and in turn groups, or its warp's share of 32 outputs for 32 or 64 of 128 tokens.
#include "backends/gpu/block_product.h"
#include "backends/gpu/tile_product.h"

namespace engine::gpu {

GPU_KERNEL(linear_q8_0_one, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ8_0, 1>(args); }
GPU_KERNEL(linear_q8_0_few, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ8_0, kFewTokens>(args); }
GPU_KERNEL(linear_q8_0_some, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ8_0, kSomeTokens>(args); }
GPU_KERNEL(linear_q8_0_tile, LinearArgs, kLinearThreads, 2) { TileProduct<DType::kQ8_0>(args); }

GPU_KERNEL(linear_w8_one, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kW8, 1>(args); }
GPU_KERNEL(linear_w8_few, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kW8, kFewTokens>(args); }
GPU_KERNEL(linear_w8_some, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kW8, kSomeTokens>(args); }
GPU_KERNEL(linear_w8_tile, LinearArgs, kLinearThreads, 2) { TileProduct<DType::kW8>(args); }

}  // namespace engine::gpu
