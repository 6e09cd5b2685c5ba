// Where one sequence's tokens lie in one cache group.
#pragma once

#include <cstdint>
#include <vector>

namespace engine {

// Stands for a block that was given back because no later query sees it. Nothing reads or writes through it.
inline constexpr int32_t kNullBlock = -1;

// Position p lies in block table[p / kBlockTokens], row p % kBlockTokens.
using BlockTable = std::vector<int32_t>;

}  // namespace engine
