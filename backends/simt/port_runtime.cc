// The functions that backends/gpu/port/simt.h declares, for the lane that runs.
#include <cstring>

#include "backends/simt/checks.h"
#include "backends/simt/machine.h"
#include "backends/simt/matrix.h"

namespace engine::gpu {

using engine::simt::Access;
using engine::simt::CheckAccess;
using engine::simt::CurrentLane;
using engine::simt::Lane;
using engine::simt::TheMachine;

int Tid() { return CurrentLane()->thread; }
int Bid() { return static_cast<int>(CurrentLane()->block->x); }
int BidY() { return static_cast<int>(CurrentLane()->block->y); }
int BidZ() { return static_cast<int>(CurrentLane()->block->z); }
int GridDim() { return static_cast<int>(TheMachine().launch().grid[0]); }

namespace simt {

void SyncBlock(int line) { TheMachine().SyncBlock(line); }

uint64_t Exchange(Collective kind, uint64_t value, int operand, int line) {
  return TheMachine().Exchange(kind, value, operand, line);
}

// The warp's last lane multiplies for all.
void Multiply(Collective kind, const uint32_t* a, const uint32_t* b, void* sums, int line) {
  engine::simt::MatrixRegisters registers{a, b, sums};
  Exchange(kind, reinterpret_cast<uint64_t>(&registers), 0, line);
}

std::byte* SharedMemory(size_t bytes) {
  engine::simt::Block& block = *CurrentLane()->block;
  if (block.shared.struct_begin() == nullptr) {
    block.shared.Allocate(bytes);
    engine::simt::SharedMemoryAllocated(block);
  }
  if (block.shared.struct_bytes() != bytes) {
    TheMachine().Fail("GPU_SHARED of %zu bytes after one of %zu; a kernel has one struct", bytes,
                      block.shared.struct_bytes());
  }
  return block.shared.struct_begin();
}

void CheckAligned(const void* address, size_t bytes) {
  if (reinterpret_cast<uintptr_t>(address) % bytes != 0) {
    TheMachine().Fail("access of %zu bytes at %p, which is no multiple of them", bytes, address);
  }
}

uint64_t AtomicAdd(void* address, size_t bytes, uint64_t value) {
  CheckAligned(address, bytes);
  CheckAccess(address, bytes, Access::kAtomic, __builtin_return_address(0));
  uint64_t before = 0;
  std::memcpy(&before, address, bytes);
  const uint64_t after = before + value;
  std::memcpy(address, &after, bytes);
  return before;
}

// Lands as late as it may, when the wait that needs it is called; until then there are NaNs.
void CopyAsync16(void* shared, const void* global) {
  CheckAligned(shared, 16);
  CheckAligned(global, 16);
  Lane& lane = *CurrentLane();
  if (!lane.block->shared.Contains(shared)) TheMachine().Fail("CpAsync16 to %p, which is not shared memory", shared);
  CheckAccess(global, 16, Access::kRead, __builtin_return_address(0));
  CheckAccess(shared, 16, Access::kWrite, __builtin_return_address(0));
  std::memset(shared, 0xff, 16);
  lane.copies.push_back({shared, global, lane.commits});
}

void CommitCopies() { ++CurrentLane()->commits; }

void WaitForCopies(int last) {
  Lane& lane = *CurrentLane();
  size_t kept = 0;
  for (const engine::simt::PendingCopy& copy : lane.copies) {
    if (copy.commit < lane.commits - last) {
      std::memcpy(copy.shared, copy.global, 16);
    } else {
      lane.copies[kept++] = copy;
    }
  }
  lane.copies.resize(kept);
}

}  // namespace simt
}  // namespace engine::gpu
