// One compiled GPU kernel: what host code names, drivers resolve, and tests walk.
#pragma once

#include <string_view>

namespace engine::gpu {

struct KernelInstance {
  std::string_view name;    // the exported symbol
  std::string_view module;  // backends/gpu/<module>.cu, compiled on its own
  int args_bytes;        // of the struct that the kernel takes, whose last word is filled with zeros: the SIMT driver
                         // takes each 8 bytes that look like one for a pointer, and padding holds anything
  int threads;           // per block: whole warps of 64
  int shared_bytes = 0;  // of the kernel's GPU_SHARED struct, which a launch does not ask for
};

}  // namespace engine::gpu
