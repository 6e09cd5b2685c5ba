#include "backends/simt/shared_memory.h"

#include <cstring>
#include <new>

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif

namespace engine::simt {
namespace {

constexpr std::align_val_t kAlignment{64};

void SetAccessible([[maybe_unused]] std::byte* begin, [[maybe_unused]] size_t bytes, [[maybe_unused]] bool accessible) {
#if __has_feature(address_sanitizer)
  if (accessible) {
    __asan_unpoison_memory_region(begin, bytes);
  } else {
    __asan_poison_memory_region(begin, bytes);
  }
#endif
}

}  // namespace

SharedMemory::SharedMemory() : arena_(static_cast<std::byte*>(::operator new(kArenaBytes, kAlignment))) { Clear(); }

SharedMemory::~SharedMemory() {
  SetAccessible(arena_, kArenaBytes, true);
  ::operator delete(arena_, kAlignment);
}

void SharedMemory::Clear() {
  SetAccessible(arena_, kArenaBytes, false);
  begin_ = nullptr;
  bytes_ = 0;
}

std::byte* SharedMemory::Allocate(size_t bytes) {
  begin_ = arena_ + kRedZone;
  bytes_ = bytes;
  SetAccessible(begin_, bytes_, true);
  std::memset(begin_, 0xff, bytes_);
  return begin_;
}

bool SharedMemory::Contains(const void* address) const {
  const auto offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(arena_);
  return offset < kArenaBytes;
}

}  // namespace engine::simt
