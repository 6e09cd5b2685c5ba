// out[i] = a[i] + b[i]
#pragma once

#include <cstdint>

#include "backends/gpu/kernel_instance.h"

namespace engine::gpu {

struct AddArgs {
  const float* a;
  const float* b;
  float* out;
  int64_t count;
};

inline constexpr KernelInstance kAdd = {"add", "add", sizeof(AddArgs), 256};

}  // namespace engine::gpu
