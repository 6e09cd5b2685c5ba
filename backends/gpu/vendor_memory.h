// Memory of a real GPU that grows behind addresses which stay. CUDA and HIP have the same functions for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "backends/gpu/driver.h"
#include "core/base/shared_library.h"

namespace engine::gpu {

// CUmemAllocationProp and hipMemAllocationProp: pinned memory of a device that nobody else opens.
struct VendorMemoryKind {
  int type = 1;  // pinned
  int handle_types = 0;
  int location_type = 1;  // a device
  int device = 0;
  void* unused = nullptr;
  uint64_t flags = 0;
};
static_assert(sizeof(VendorMemoryKind) == 32);

// CUmemAccessDesc and hipMemAccessDesc.
struct VendorMemoryAccess {
  int location_type = 1;  // a device
  int device = 0;
  int access = 3;  // it reads and writes
};
static_assert(sizeof(VendorMemoryAccess) == 12);

// Functions return 0 or the vendor's error. All are null where the driver is too old.
struct VendorMemoryApi {
  int (*granularity)(size_t* bytes, const VendorMemoryKind* kind, int option) = nullptr;
  int (*reserve)(void** address, size_t bytes, size_t alignment, void* wish, uint64_t flags) = nullptr;
  int (*free_addresses)(void* address, size_t bytes) = nullptr;
  int (*create)(uint64_t* memory, size_t bytes, const VendorMemoryKind* kind, uint64_t flags) = nullptr;
  int (*release)(uint64_t memory) = nullptr;
  int (*map)(void* address, size_t bytes, size_t offset, uint64_t memory, uint64_t flags) = nullptr;
  int (*unmap)(void* address, size_t bytes) = nullptr;
  int (*set_access)(void* address, size_t bytes, const VendorMemoryAccess* access, size_t count) = nullptr;

  bool is_whole() const {
    return granularity != nullptr && reserve != nullptr && free_addresses != nullptr && create != nullptr &&
           release != nullptr && map != nullptr && unmap != nullptr && set_access != nullptr;
  }
};

// `prefix` begins the names of all functions: cu or hip.
VendorMemoryApi LoadVendorMemory(const std::string& prefix, const FunctionLoader& loader);

// The step in which memory of `device` grows, or why it does not. `attribute` is the driver's answer to whether the device
// can: its error, if it has none, and its value.
struct VendorAnswer {
  int error = 0;
  int value = 0;
};
void DescribeGrowth(const VendorMemoryApi& api, int device, VendorAnswer attribute, GpuDriverInfo& info);

// Any thread may call, with the device in use.
class VendorMemory {
 public:
  VendorMemory(const VendorMemoryApi& api, int device) : api_(api), device_(device) {}

  int Reserve(void** address, size_t bytes);
  // All of it or, with an error, nothing.
  int Map(std::byte* begin, size_t bytes);
  // What one call has mapped from `begin` on.
  void Unmap(std::byte* begin);
  // Addresses and all that is mapped there.
  void Release(std::byte* reserved);

 private:
  const VendorMemoryApi api_;
  const int device_;
  absl::Mutex mutex_;
  std::map<std::byte*, size_t> reserved_ ABSL_GUARDED_BY(mutex_);  // bytes
  std::map<std::byte*, size_t> mapped_ ABSL_GUARDED_BY(mutex_);    // of each call
};

}  // namespace engine::gpu
