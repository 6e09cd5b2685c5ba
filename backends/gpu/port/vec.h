// Bytes that one instruction moves.
#pragma once

#include <cstdint>

namespace engine::gpu {

template <int kBytes>
struct alignas(kBytes) Vec {
  uint32_t words[kBytes / 4];
};

// Four bytes each: what LookUp finds, and where.
struct Quads {
  uint32_t low, high;
};
struct ByteTable {
  uint32_t words[4];
};

}  // namespace engine::gpu
