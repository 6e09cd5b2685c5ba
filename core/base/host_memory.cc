#include "core/base/host_memory.h"

#include <unistd.h>

#include <algorithm>

#include "core/base/cgroup.h"

namespace engine {

int64_t HostMemoryBytes() {
  const int64_t physical = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return std::min(physical, CgroupMemoryBytes().value_or(physical));
}

}  // namespace engine
