// Loops that do one thing as fast as an instruction set allows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine::cpu {

struct ProbeLoops {
  void (*read)(const std::byte* bytes, int64_t size);  // size: a multiple of 256
  void (*int8_steps)(int64_t steps);                   // kProbeChains independent dot products of 16 quads per step
  void (*bf16_steps)(int64_t steps);                   // the same of 16 pairs
};
inline constexpr int kProbeChains = 12;

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
