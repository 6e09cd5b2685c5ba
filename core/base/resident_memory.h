// What this process has in memory.
#pragma once

#include <cstdint>

namespace engine {

struct ResidentMemory {
  int64_t anonymous_bytes = 0;
  int64_t file_bytes = 0;  // of mapped files, program and libraries included

  int64_t total_bytes() const { return anonymous_bytes + file_bytes; }
};

ResidentMemory ResidentNow();

// Gives back what was freed and stays with the allocator: after loading that is some MB for a large vocabulary.
void ReturnFreedMemory();

}  // namespace engine
