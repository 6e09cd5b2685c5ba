// How much memory there is for this process.
#pragma once

#include <cstdint>

namespace engine {

// The machine's memory, or what the cgroups of this process leave of it.
int64_t HostMemoryBytes();

}  // namespace engine
