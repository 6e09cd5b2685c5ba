// How much memory there is for this process.
#pragma once

#include <cstdint>

namespace engine {

// The machine's memory, or its cgroup's share of it.
int64_t HostMemoryBytes();

}  // namespace engine
