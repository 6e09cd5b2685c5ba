// y = x w^T over 4-bit blocks of 32, 64 or 128 with zero points, as block_product.h and tile_product.h have it.
// A block computes one panel of 32 outputs for 1, 4 or 8 tokens, or two for 128.
// A thread has one output row and in turn groups, or its warp's share of 32 outputs for 32 or 64 of 128 tokens.
#include "backends/gpu/block_product.h"
#include "backends/gpu/tile_product.h"

namespace engine::gpu {

GPU_KERNEL(linear_w4_one, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kW4G32, 1>(args); }
GPU_KERNEL(linear_w4_few, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kW4G32, kFewTokens>(args); }
GPU_KERNEL(linear_w4_some, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kW4G32, kSomeTokens>(args); }
GPU_KERNEL(linear_w4_tile, LinearArgs, kLinearThreads, 2) { TileProduct<DType::kW4G32>(args); }

}  // namespace engine::gpu
