#include "backends/simt/simt_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "core/base/check.h"

namespace engine::gpu {
namespace {

constexpr int64_t kAlignment = 256;
// Freed allocations that keep their addresses, so that late uses of them are recognised.
constexpr size_t kRemembered = 256;

int64_t RoundUp(int64_t bytes, int64_t step) { return (bytes + step - 1) / step * step; }

}  // namespace

SimtMemory::~SimtMemory() {
  for (const auto& [region, allocation] : allocations_) munmap(allocation.region, allocation.region_bytes);
}

absl::StatusOr<std::byte*> SimtMemory::Allocate(int64_t bytes, MemoryKind kind, int device) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t inner = RoundUp(bytes, page);
  const int64_t region_bytes = inner + 2 * page;
  void* memory = mmap(nullptr, region_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return ResourceExhausted("cannot allocate %d bytes of host memory: %s", bytes, std::strerror(errno));
  }
  auto* region = static_cast<std::byte*>(memory);
  if (kind == MemoryKind::kHost) mprotect(region + page, inner, PROT_READ | PROT_WRITE);
  std::byte* begin = region + page + inner - RoundUp(bytes, kAlignment);
  allocations_[region] = {region, region_bytes, begin, bytes, kind, device, true};
  return begin;
}

int64_t SimtMemory::Free(std::byte* memory) {
  const Allocation* found = Find(memory);
  ENGINE_CHECK(found != nullptr && found->begin == memory && found->live);
  Allocation& allocation = allocations_[found->region];
  allocation.live = false;
  // The pages go back, the addresses stay.
  void* kept = mmap(allocation.region, allocation.region_bytes, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  ENGINE_CHECK(kept == allocation.region);
  const int64_t bytes = allocation.bytes;
  freed_.push_back(allocation.region);
  if (freed_.size() > kRemembered) {
    const Allocation& oldest = allocations_[freed_.front()];
    munmap(oldest.region, oldest.region_bytes);
    allocations_.erase(freed_.front());
    freed_.pop_front();
  }
  return bytes;
}

const SimtMemory::Allocation* SimtMemory::Find(const std::byte* address) const {
  auto next = allocations_.upper_bound(address);
  if (next == allocations_.begin()) return nullptr;
  const Allocation& allocation = std::prev(next)->second;
  return address < allocation.region + allocation.region_bytes ? &allocation : nullptr;
}

bool SimtMemory::IsDevice(const std::byte* address) const {
  const Allocation* allocation = Find(address);
  return allocation != nullptr && allocation->kind == MemoryKind::kDevice;
}

std::optional<int> SimtMemory::OtherOwner(const std::byte* address, int device) const {
  const Allocation* allocation = Find(address);
  const bool is_other =
      allocation != nullptr && allocation->kind == MemoryKind::kDevice && allocation->device != device;
  return is_other ? std::optional(allocation->device) : std::nullopt;
}

std::optional<std::string> SimtMemory::Refusal(const std::byte* begin, int64_t bytes) const {
  const Allocation* allocation = Find(begin);
  if (allocation == nullptr) return std::nullopt;
  if (!allocation->live) return absl::StrFormat("an allocation of %d bytes that has been freed", allocation->bytes);
  const int64_t offset = begin - allocation->begin;
  if (offset >= 0 && offset + bytes <= allocation->bytes) return std::nullopt;
  return absl::StrFormat("bytes %d to %d of an allocation of %d bytes", offset, offset + bytes, allocation->bytes);
}

void SimtMemory::Protect(bool accessible) const {
  for (const auto& [region, allocation] : allocations_) {
    if (!allocation.live || allocation.kind == MemoryKind::kHost) continue;
    const int64_t page = sysconf(_SC_PAGESIZE);
    mprotect(allocation.region + page, allocation.region_bytes - 2 * page,
             accessible ? PROT_READ | PROT_WRITE : PROT_NONE);
  }
}

}  // namespace engine::gpu
