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
// memory is inaccessible but between Open and Close; what was freed is inaccessible from then on, and what is reserved
// until it is mapped.
class SimtMemory {
 public:
  // The step in which reservations are mapped: any that a driver might have.
  static constexpr int64_t kStep = 65536;

  // `device_bytes`: what each device has.
  explicit SimtMemory(int64_t device_bytes) : device_bytes_(device_bytes) {}
  SimtMemory(const SimtMemory&) = delete;
  SimtMemory& operator=(const SimtMemory&) = delete;
  ~SimtMemory();

  // Zeroed, and backed as it is touched. device: whose, of those that share this memory.
  absl::StatusOr<std::byte*> Allocate(int64_t bytes, MemoryKind kind, int device);
  // Bytes of the allocation or of the mapped part of the reservation that is gone.
  int64_t Free(std::byte* memory);

  // Of whole steps. Only the mapped part may be used, and it grows from the begin of the reservation to its end.
  absl::StatusOr<std::byte*> Reserve(int64_t bytes, int device);
  struct Mapped {
    std::byte* reserved;
    int64_t bytes;  // of it, from now on
  };
  absl::StatusOr<Mapped> Map(std::byte* begin, int64_t bytes);

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
    int64_t bytes;  // that may be used
    MemoryKind kind;
    int device;
    bool live;
    int64_t reserved = 0;  // 0: it is no reservation
  };

  absl::StatusOr<std::byte*> MapRegion(int64_t bytes);
  absl::Status Take(int64_t bytes, int device);
  const Allocation* Find(const std::byte* address) const;
  void Protect(bool accessible) const;

  std::map<const std::byte*, Allocation> allocations_;  // by region, those that were freed of late too
  std::deque<const std::byte*> freed_;                  // oldest first
  const int64_t device_bytes_;
  std::map<int, int64_t> taken_;  // of each device
};

}  // namespace engine::gpu
