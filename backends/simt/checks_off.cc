#include "backends/simt/checks.h"

namespace engine::simt {

void CheckAccess(const void*, size_t, Access, const void*) {}
void MemoryChanged(SimtMemoryEvent, const void*, size_t) {}
void SharedMemoryAllocated(const Block&) {}
void LaunchBegins() {}
void LaunchEnds() {}

}  // namespace engine::simt
