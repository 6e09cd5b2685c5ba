// y = x w^T over 4-bit blocks of 32, as block_product.h and tile_product.h have it.
// A block computes one panel of 32 outputs for 1, 4 or 8 tokens, or two for 128.
// A thread has one output row and in turn groups, or its warp's share of 32 outputs for 32 or 64 of 128 tokens.
#include "backends/gpu/block_product.h"
#include "backends/gpu/tile_product.h"

namespace engine::gpu {

GPU_KERNEL(linear_q4_0_one, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ4_0, 1>(args); }
GPU_KERNEL(linear_q4_0_few, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ4_0, kFewTokens>(args); }
GPU_KERNEL(linear_q4_0_some, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ4_0, kSomeTokens>(args); }
GPU_KERNEL(linear_q4_0_tile, LinearArgs, kLinearThreads, 2) { TileProduct<DType::kQ4_0>(args); }

GPU_KERNEL(linear_q4_1_one, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ4_1, 1>(args); }
GPU_KERNEL(linear_q4_1_few, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ4_1, kFewTokens>(args); }
GPU_KERNEL(linear_q4_1_some, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ4_1, kSomeTokens>(args); }
GPU_KERNEL(linear_q4_1_tile, LinearArgs, kLinearThreads, 2) { TileProduct<DType::kQ4_1>(args); }

GPU_KERNEL(linear_iq4_nl_one, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kIQ4_NL, 1>(args); }
GPU_KERNEL(linear_iq4_nl_few, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kIQ4_NL, kFewTokens>(args); }
GPU_KERNEL(linear_iq4_nl_some, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kIQ4_NL, kSomeTokens>(args); }
GPU_KERNEL(linear_iq4_nl_tile, LinearArgs, kLinearThreads, 2) { TileProduct<DType::kIQ4_NL>(args); }

}  // namespace engine::gpu
