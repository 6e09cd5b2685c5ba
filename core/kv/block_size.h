// What a block of the KV cache holds. Nothing else is included: GPU kernels read these numbers, too.
#pragma once

#include <cstdint>

namespace engine {

// Tokens per block: two 16-lane registers of tokens, and an eighth of the 256 tokens of an attention partition
// (docs/numerics.md, rule 6), so that a partition is a whole number of blocks.
inline constexpr int kBlockTokens = 32;

// Blocks that lie together in memory: an aligned run of ids, as many as a partition of attention has. The layers of a
// pool take turns span by span.
inline constexpr int kSpanBlocks = 8;

// An int8 token keeps the f32 scale of its K and of its V beside the values, in every head.
inline constexpr int64_t kKvScaleBytes = 4;

}  // namespace engine
