// What the checking libraries add to every access of a kernel. checks_off.cc makes nothing of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine::simt {

struct Block;
enum class Access : uint8_t { kRead, kWrite, kAtomic };

// For the lane that runs; fails the launch where the access is wrong.
void CheckAccess(const void* address, size_t bytes, Access access);

// A block's shared memory has been allocated; a launch begins and has ended.
void SharedMemoryAllocated(const Block& block);
void LaunchBegins();
void LaunchEnds();

}  // namespace engine::simt
