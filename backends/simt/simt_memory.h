// Device memory of the SIMT device: bytes of this process that only copies and kernels may touch.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "core/device/device.h"

namespace engine::gpu {

// Allocations lie between inaccessible pages, their ends as close to them as the alignment of 256 bytes allows. Device
// memory is inaccessible but between Open and Close; what was freed is inaccessible from then on.
class SimtMemory {
 public:
  SimtMemory() = default;
  SimtMemory(const SimtMemory&) = delete;
  SimtMemory& operator=(const SimtMemory&) = delete;
  ~SimtMemory();

  // Zeroed, and backed as it is touched. device: whose, of those that share this memory.
  absl::StatusOr<std::byte*> Allocate(int64_t bytes, MemoryKind kind, int device);
  // Bytes of the allocation that is gone.
  int64_t Free(std::byte* memory);

  void Open() { Protect(true); }
  void Close() { Protect(false); }

  // Why nothing may touch [begin, begin + bytes), if it belongs to an allocation: freed, or not all in it.
  std::optional<std::string> Refusal(const std::byte* begin, int64_t bytes) const;
  bool IsDevice(const std::byte* address) const;
  // The device whose memory it is, if it is another's than `device`.
  std::optional<int> OtherOwner(const std::byte* address, int device) const;

 private:
  struct Allocation {
    std::byte* region;
    int64_t region_bytes;  // with the guards
    std::byte* begin;
    int64_t bytes;
    MemoryKind kind;
    int device;
    bool live;
  };

  const Allocation* Find(const std::byte* address) const;
  void Protect(bool accessible) const;

  std::map<const std::byte*, Allocation> allocations_;  // by region, those that were freed of late too
  std::deque<const std::byte*> freed_;                  // oldest first
};

}  // namespace engine::gpu
