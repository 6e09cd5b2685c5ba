// The calls that -fsanitize=thread puts before every access of the kernels. ThreadSanitizer's own runtime is not
// linked: these stand in for it.
#include <cstring>

#include "backends/simt/checks.h"

using engine::simt::Access;
using engine::simt::CheckAccess;

namespace {

// Inlined, so that the return address is that of the access.
[[gnu::always_inline]] inline void Read(const void* address, size_t bytes) {
  CheckAccess(address, bytes, Access::kRead, __builtin_return_address(0));
}
[[gnu::always_inline]] inline void Write(const void* address, size_t bytes) {
  CheckAccess(address, bytes, Access::kWrite, __builtin_return_address(0));
}

}  // namespace

extern "C" {

void __tsan_init() {}

void __tsan_read1(void* p) { Read(p, 1); }
void __tsan_read2(void* p) { Read(p, 2); }
void __tsan_read4(void* p) { Read(p, 4); }
void __tsan_read8(void* p) { Read(p, 8); }
void __tsan_read16(void* p) { Read(p, 16); }
void __tsan_unaligned_read2(void* p) { Read(p, 2); }
void __tsan_unaligned_read4(void* p) { Read(p, 4); }
void __tsan_unaligned_read8(void* p) { Read(p, 8); }
void __tsan_unaligned_read16(void* p) { Read(p, 16); }
void __tsan_write1(void* p) { Write(p, 1); }
void __tsan_write2(void* p) { Write(p, 2); }
void __tsan_write4(void* p) { Write(p, 4); }
void __tsan_write8(void* p) { Write(p, 8); }
void __tsan_write16(void* p) { Write(p, 16); }
void __tsan_unaligned_write2(void* p) { Write(p, 2); }
void __tsan_unaligned_write4(void* p) { Write(p, 4); }
void __tsan_unaligned_write8(void* p) { Write(p, 8); }
void __tsan_unaligned_write16(void* p) { Write(p, 16); }

void* __tsan_memcpy(void* to, const void* from, size_t bytes) {
  Read(from, bytes);
  Write(to, bytes);
  return std::memcpy(to, from, bytes);
}
void* __tsan_memmove(void* to, const void* from, size_t bytes) {
  Read(from, bytes);
  Write(to, bytes);
  return std::memmove(to, from, bytes);
}
void* __tsan_memset(void* to, int value, size_t bytes) {
  Write(to, bytes);
  return std::memset(to, value, bytes);
}

}  // extern "C"
