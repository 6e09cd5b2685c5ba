// What the control groups that this process is in allow it, of version 1 and 2, whether or not it sees them as roots.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace engine {

struct CgroupRoots {
  std::string membership = "/proc/self/cgroup";  // a line "id:controllers:path" for each hierarchy
  std::string mount = "/sys/fs/cgroup";
};

// CPU time per time, at least 1 CPU; none where no group limits it.
std::optional<int> CgroupCpus(const CgroupRoots& roots = {});
std::optional<int64_t> CgroupMemoryBytes(const CgroupRoots& roots = {});

}  // namespace engine
