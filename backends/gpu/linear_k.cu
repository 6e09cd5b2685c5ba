// y = x w^T over blocks of 256, as block_product.h and tile_product.h have it.
// A block computes one panel of 32 outputs for 1, 4 or 8 tokens, or two for 128.
// A thread has one output row and in turn groups, or its warp's share of 32 outputs for 32 or 64 of 128 tokens.
#include "backends/gpu/block_product.h"
#include "backends/gpu/tile_product.h"

namespace engine::gpu {

GPU_KERNEL(linear_q4_k_one, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ4_K, 1>(args); }
GPU_KERNEL(linear_q4_k_few, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ4_K, kFewTokens>(args); }
GPU_KERNEL(linear_q4_k_some, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ4_K, kSomeTokens>(args); }
GPU_KERNEL(linear_q4_k_tile, LinearArgs, kLinearThreads, 2) { TileProduct<DType::kQ4_K>(args); }

GPU_KERNEL(linear_q5_k_one, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ5_K, 1>(args); }
GPU_KERNEL(linear_q5_k_few, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ5_K, kFewTokens>(args); }
GPU_KERNEL(linear_q5_k_some, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ5_K, kSomeTokens>(args); }
GPU_KERNEL(linear_q5_k_tile, LinearArgs, kLinearThreads, 2) { TileProduct<DType::kQ5_K>(args); }

GPU_KERNEL(linear_q6_k_one, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ6_K, 1>(args); }
GPU_KERNEL(linear_q6_k_few, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ6_K, kFewTokens>(args); }
GPU_KERNEL(linear_q6_k_some, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kQ6_K, kSomeTokens>(args); }
GPU_KERNEL(linear_q6_k_tile, LinearArgs, kLinearThreads, 2) { TileProduct<DType::kQ6_K>(args); }

GPU_KERNEL(linear_iq4_xs_one, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kIQ4_XS, 1>(args); }
GPU_KERNEL(linear_iq4_xs_few, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kIQ4_XS, kFewTokens>(args); }
GPU_KERNEL(linear_iq4_xs_some, LinearArgs, kPanelThreads, 2) { FewTokensProduct<DType::kIQ4_XS, kSomeTokens>(args); }
GPU_KERNEL(linear_iq4_xs_tile, LinearArgs, kLinearThreads, 2) { TileProduct<DType::kIQ4_XS>(args); }

}  // namespace engine::gpu
