#include "core/base/host_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace engine {

int64_t HostMemoryBytes() {
  const int64_t physical = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  int64_t limit = 0;
  std::ifstream cgroup("/sys/fs/cgroup/memory.max");  // "max" when there is no limit
  return cgroup >> limit ? std::min(physical, limit) : physical;
}

}  // namespace engine
