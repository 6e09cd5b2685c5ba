// What this process has in memory.
#pragma once

namespace engine {

// In MB.
struct ResidentMemory {
  double anonymous = 0;
  double files = 0;  // mapped ones, program and libraries included

  double total() const { return anonymous + files; }
};

ResidentMemory ResidentNow();

}  // namespace engine
