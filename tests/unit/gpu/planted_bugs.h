// Kernels with one bug each, and the same kernels without it.
#pragma once

#include <cstdint>

namespace engine {

// Of all of them; each uses what it needs. One block has 256 threads.
struct BugArgs {
  const float* x;    // [blocks, 256]
  const float* y;    // [256]
  float* out;        // [blocks, 256]
  uint32_t* counts;  // [1]
};

}  // namespace engine
