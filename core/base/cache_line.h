// Tensors, scratch and what each worker writes begin at cache lines.
#pragma once

#include <cstdint>

namespace engine {

// `bytes` rounded up to whole cache lines.
constexpr int64_t CacheLines(int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace engine
