// A SIMT library, opened as the driver does, and launches on ordinary memory.
#pragma once

#include <memory>
#include <string>

#include "backends/simt/simt_launch.h"

namespace engine {

class SimtLibrary {
 public:
  explicit SimtLibrary(const std::string& path);
  ~SimtLibrary();

  // The message, or empty. One dimension.
  template <typename Args>
  std::string Launch(const char* kernel, int grid, int block, const Args& args, uint64_t seed = 0) const {
    return Launch({.kernel = Find(kernel),
                   .name = kernel,
                   .grid = {static_cast<uint32_t>(grid), 1, 1},
                   .block = {static_cast<uint32_t>(block), 1, 1},
                   .args = &args,
                   .args_bytes = sizeof(Args),
                   .seed = seed});
  }
  std::string Launch(const SimtLaunch& launch) const;
  SimtKernel Find(const char* kernel) const;
  void Memory(SimtMemoryEvent event, const void* begin, size_t bytes) const { memory_(event, begin, bytes); }

 private:
  void* handle_;
  decltype(&engine_simt_launch) launch_;
  decltype(&engine_simt_memory) memory_;
};

}  // namespace engine
