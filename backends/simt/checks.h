// What the checking libraries add to every access of a kernel. checks_off.cc makes nothing of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/simt/simt_launch.h"

namespace engine::simt {

struct Block;
enum class Access : uint8_t { kRead, kWrite, kAtomic };

// For the lane that runs; fails the launch where the access is wrong. `code` tells instructions apart.
void CheckAccess(const void* address, size_t bytes, Access access, const void* code);

// engine_simt_memory.
void MemoryChanged(SimtMemoryEvent event, const void* begin, size_t bytes);

// A block's shared memory has been allocated; a launch begins and has ended.
void SharedMemoryAllocated(const Block& block);
void LaunchBegins();
void LaunchEnds();

}  // namespace engine::simt
