#include "backends/simt/shadow.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

namespace engine::simt {
namespace {

size_t MappedBytes(size_t reserved) { return reserved * (sizeof(ByteHistory) + 2 * sizeof(bool)) + 1; }

}  // namespace

Shadow::Shadow(size_t bytes, size_t reserved) : bytes_(bytes), reserved_(reserved) {
  void* memory =
      mmap(nullptr, MappedBytes(reserved), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("simt: no address space for the history of device memory");
    std::abort();
  }
  histories_ = static_cast<ByteHistory*>(memory);
  written_ = reinterpret_cast<bool*>(histories_ + reserved);
  atomic_ = written_ + reserved;
}

Shadow::~Shadow() { munmap(histories_, MappedBytes(reserved_)); }

}  // namespace engine::simt
