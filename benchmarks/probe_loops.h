// Loops that do one thing as fast as an instruction set allows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine::cpu {

struct ProbeLoops {
  void (*read)(const std::byte* bytes, int64_t size);  // size: a multiple of 256
  void (*int8_dots)(int64_t count);                    // dot products of 16 quads; count: a multiple of 12
  void (*bf16_dots)(int64_t count);                    // the same of 16 pairs
  void (*f32_fmas)(int64_t count);                     // multiply-adds of 16 numbers
};

namespace portable {
extern const ProbeLoops kProbes;
}
namespace avx2 {
extern const ProbeLoops kProbes;
}
namespace avx512 {
extern const ProbeLoops kProbes;
}

}  // namespace engine::cpu
