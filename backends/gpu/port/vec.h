// Bytes that one instruction moves.
#pragma once

#include <cstdint>

namespace engine::gpu {

template <int kBytes>
struct alignas(kBytes) Vec {
  uint32_t words[kBytes / 4];
};

}  // namespace engine::gpu
