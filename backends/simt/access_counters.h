// How well the accesses of a warp's lanes fit together: sectors of global memory, conflicts between banks of shared memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "backends/simt/simt_launch.h"

namespace engine::simt {

class AccessCounters {
 public:
  // The n-th execution of the instruction `code` by each lane of a warp is one request of that warp.
  void Add(const void* code, uint64_t thread, uint64_t warp, uintptr_t address, size_t bytes, bool shared);

  // Adds what was seen to `counters`, and forgets it.
  void Flush(SimtCounters& counters);

 private:
  struct Request {
    bool shared = false;
    size_t bytes = 0;
    std::vector<uintptr_t> addresses;
  };
  std::map<std::pair<const void*, uint64_t>, uint64_t> executions_;          // by code and thread
  std::map<std::tuple<const void*, uint64_t, uint64_t>, Request> requests_;  // by code, warp and execution
};

}  // namespace engine::simt
