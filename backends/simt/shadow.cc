#include "backends/simt/shadow.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

namespace engine::simt {

Shadow::Shadow(size_t bytes)
    : bytes_(bytes), written_(std::make_unique<bool[]>(bytes)), atomic_(std::make_unique<bool[]>(bytes)) {
  void* memory = mmap(nullptr, bytes * sizeof(ByteHistory) + 1, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("simt: no address space for the history of device memory");
    std::abort();
  }
  histories_ = static_cast<ByteHistory*>(memory);
}

Shadow::~Shadow() { munmap(histories_, bytes_ * sizeof(ByteHistory) + 1); }

}  // namespace engine::simt
