#include "backends/simt/checks.h"
#include "backends/simt/simt_launch.h"

namespace engine::simt {

void CheckAccess(const void*, size_t, Access) {}
void SharedMemoryAllocated(const Block&) {}
void LaunchBegins() {}
void LaunchEnds() {}

}  // namespace engine::simt

[[gnu::visibility("default")]] void engine_simt_memory(SimtMemoryEvent, const void*, uint64_t) {}
