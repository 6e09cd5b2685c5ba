// Bytes with their type: what a kernel receives.
#pragma once

#include <cstddef>

#include "core/tensor/spec.h"

namespace engine {

// Borrows both. Device memory: only kernels of that device may read it.
struct Tensor {
  std::byte* data = nullptr;
  const TensorSpec* spec = nullptr;

  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
};

}  // namespace engine
