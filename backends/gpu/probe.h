// What a device can do at best: bytes read, products of int8 and of bf16 on its matrix units, and fused multiply-adds.
// benchmarks/gpu_probe.h times them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/gpu/kernel_instance.h"

namespace engine::gpu {

struct ProbeArgs {
  const std::byte* data;  // kProbeBlockBytes per block
  uint32_t* out;          // written if the result is `never`, which the compiler cannot know
  uint32_t never;
  int32_t rounds;  // of chains; of matrix steps per 32 threads, so that a block's work does not depend on the warp
};

inline constexpr int64_t kProbeBlockBytes = 65536;
inline constexpr int kProbeChains = 8;  // independent, in each thread: with all the warps they hide any latency
inline constexpr int kProbeTiles = 4;   // the same of a warp's matrix unit

inline constexpr KernelInstance kProbeRead = {"probe_read", "probe", sizeof(ProbeArgs), 256};
inline constexpr KernelInstance kProbeBf16 = {"probe_bf16", "probe", sizeof(ProbeArgs), 256};
inline constexpr KernelInstance kProbeInt8 = {"probe_int8", "probe", sizeof(ProbeArgs), 256};
inline constexpr KernelInstance kProbeF32 = {"probe_f32", "probe", sizeof(ProbeArgs), 256};

}  // namespace engine::gpu
