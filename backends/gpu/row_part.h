// How much of a row a block stores, where rows are stored in parts: known to kernels and their host halves.
#pragma once

#include <cstdint>

namespace engine::gpu {

// Four elements for each of 256 threads.
inline constexpr int64_t kRowPartElements = 1024;

}  // namespace engine::gpu
