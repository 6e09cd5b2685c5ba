#include "backends/simt/simt_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "core/base/check.h"
#include "core/base/round_up.h"

namespace engine::gpu {
namespace {

constexpr int64_t kAlignment = 256;
// Freed allocations that keep their addresses, so that late uses of them are recognised.
constexpr size_t kRemembered = 256;

}  // namespace

SimtMemory::~SimtMemory() {
  for (const auto& [region, allocation] : allocations_) munmap(allocation.region, allocation.region_bytes);
}

absl::StatusOr<std::byte*> SimtMemory::MapRegion(int64_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory != MAP_FAILED) return static_cast<std::byte*>(memory);
  return ResourceExhausted("cannot allocate %d bytes of host memory: %s", bytes, std::strerror(errno));
}

absl::Status SimtMemory::Take(int64_t bytes, int device) {
  int64_t& taken = taken_[device];
  if (bytes > device_bytes_ - taken) {
    return ResourceExhausted("cannot allocate %d bytes of SIMT device memory: of %d bytes %d are taken", bytes,
                             device_bytes_, taken);
  }
  taken += bytes;
  return absl::OkStatus();
}

absl::StatusOr<std::byte*> SimtMemory::Allocate(int64_t bytes, MemoryKind kind, int device) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t inner = RoundUp(bytes, page);
  const int64_t region_bytes = inner + 2 * page;
  if (kind == MemoryKind::kDevice) RETURN_IF_ERROR(Take(bytes, device));
  ASSIGN_OR_RETURN(std::byte * region, MapRegion(region_bytes));
  if (kind == MemoryKind::kHost) mprotect(region + page, inner, PROT_READ | PROT_WRITE);
  std::byte* begin = region + page + inner - RoundUp(bytes, kAlignment);
  allocations_[region] = {region, region_bytes, begin, bytes, kind, device, true};
  return begin;
}

absl::StatusOr<std::byte*> SimtMemory::Reserve(int64_t bytes, int device) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t region_bytes = bytes + 2 * page;
  if (bytes <= 0 || bytes % kStep != 0) {
    return InvalidArgument("a reservation of %d bytes; it must be whole steps of %d", bytes, kStep);
  }
  ASSIGN_OR_RETURN(std::byte * region, MapRegion(region_bytes));
  std::byte* begin = region + page;
  allocations_[region] = {region, region_bytes, begin, 0, MemoryKind::kDevice, device, true, bytes};
  return begin;
}

absl::StatusOr<SimtMemory::Mapped> SimtMemory::Map(std::byte* begin, int64_t bytes) {
  const Allocation* found = Find(begin);
  if (found == nullptr || !found->live || found->reserved == 0) return InvalidArgument("nothing is reserved there");
  Allocation& allocation = allocations_[found->region];
  const int64_t offset = begin - allocation.begin;
  if (bytes <= 0 || bytes % kStep != 0 || offset != allocation.bytes || offset + bytes > allocation.reserved) {
    return InvalidArgument(
        "bytes %d to %d of a reservation of %d bytes, of which %d are mapped; what follows these can be, in steps of "
        "%d",
        offset, offset + bytes, allocation.reserved, allocation.bytes, kStep);
  }
  RETURN_IF_ERROR(Take(bytes, allocation.device));
  allocation.bytes += bytes;
  return Mapped{allocation.begin, allocation.bytes};
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
  if (allocation.kind == MemoryKind::kDevice) taken_[allocation.device] -= bytes;
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
  const bool is_reservation = allocation->reserved > 0;
  if (!allocation->live) {
    return is_reservation ? absl::StrFormat("a reservation of %d bytes that has been released", allocation->reserved)
                          : absl::StrFormat("an allocation of %d bytes that has been freed", allocation->bytes);
  }
  const int64_t offset = begin - allocation->begin;
  if (offset >= 0 && offset + bytes <= allocation->bytes) return std::nullopt;
  if (is_reservation) {
    return absl::StrFormat("bytes %d to %d of a reservation of %d bytes, of which the first %d are mapped", offset,
                           offset + bytes, allocation->reserved, allocation->bytes);
  }
  return absl::StrFormat("bytes %d to %d of an allocation of %d bytes", offset, offset + bytes, allocation->bytes);
}

void SimtMemory::Protect(bool accessible) const {
  for (const auto& [region, allocation] : allocations_) {
    if (!allocation.live || allocation.kind == MemoryKind::kHost) continue;
    const int64_t page = sysconf(_SC_PAGESIZE);
    const int64_t used = allocation.reserved > 0 ? allocation.bytes : allocation.region_bytes - 2 * page;
    if (used > 0) mprotect(allocation.region + page, used, accessible ? PROT_READ | PROT_WRITE : PROT_NONE);
  }
}

}  // namespace engine::gpu
