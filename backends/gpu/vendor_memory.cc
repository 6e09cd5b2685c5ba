#include "backends/gpu/vendor_memory.h"

#include "core/base/check.h"

namespace engine::gpu {
namespace {

constexpr int kRecommended = 1;  // of the two granularities: with the largest pages

}  // namespace

VendorMemoryApi LoadVendorMemory(const std::string& prefix, const FunctionLoader& loader) {
  VendorMemoryApi api;
  loader.LoadIfThere(prefix + "MemGetAllocationGranularity", api.granularity);
  loader.LoadIfThere(prefix + "MemAddressReserve", api.reserve);
  loader.LoadIfThere(prefix + "MemAddressFree", api.free_addresses);
  loader.LoadIfThere(prefix + "MemCreate", api.create);
  loader.LoadIfThere(prefix + "MemRelease", api.release);
  loader.LoadIfThere(prefix + "MemMap", api.map);
  loader.LoadIfThere(prefix + "MemUnmap", api.unmap);
  loader.LoadIfThere(prefix + "MemSetAccess", api.set_access);
  return api;
}

void DescribeGrowth(const VendorMemoryApi& api, int device, VendorAnswer attribute, GpuDriverInfo& info) {
  const VendorMemoryKind kind{.device = device};
  size_t step = 0;
  if (!api.is_whole()) {
    info.no_growth = "the driver is too old to map memory";
  } else if (attribute.error != 0 || attribute.value == 0) {
    info.no_growth = "the device cannot map memory";
  } else if (const int error = api.granularity(&step, &kind, kRecommended); error != 0 || step == 0) {
    info.no_growth = absl::StrFormat("the driver does not say in which steps it maps memory (error %d)", error);
  } else {
    info.growth_bytes = static_cast<int64_t>(step);
  }
}

int VendorMemory::Reserve(void** address, size_t bytes) {
  const int error = api_.reserve(address, bytes, 0, nullptr, 0);
  if (error != 0) return error;
  absl::MutexLock lock(&mutex_);
  reserved_[static_cast<std::byte*>(*address)] = bytes;
  return 0;
}

int VendorMemory::Map(std::byte* begin, size_t bytes) {
  const VendorMemoryKind kind{.device = device_};
  const VendorMemoryAccess access{.device = device_};
  uint64_t memory = 0;
  if (const int error = api_.create(&memory, bytes, &kind, 0); error != 0) return error;
  int error = api_.map(begin, bytes, 0, memory, 0);
  api_.release(memory);  // it lives on while it is mapped
  if (error != 0) return error;
  error = api_.set_access(begin, bytes, &access, 1);
  if (error != 0) {
    api_.unmap(begin, bytes);
    return error;
  }
  absl::MutexLock lock(&mutex_);
  mapped_[begin] = bytes;
  return 0;
}

void VendorMemory::Unmap(std::byte* begin) {
  absl::MutexLock lock(&mutex_);
  const auto found = mapped_.find(begin);
  ENGINE_CHECK(found != mapped_.end());
  api_.unmap(begin, found->second);
  mapped_.erase(found);
}

// Drivers unmap what one call has mapped, and no part of it nor more.
void VendorMemory::Release(std::byte* reserved) {
  absl::MutexLock lock(&mutex_);
  const auto found = reserved_.find(reserved);
  ENGINE_CHECK(found != reserved_.end());
  const std::byte* const end = reserved + found->second;
  auto piece = mapped_.lower_bound(reserved);
  while (piece != mapped_.end() && piece->first < end) {
    api_.unmap(piece->first, piece->second);
    piece = mapped_.erase(piece);
  }
  api_.free_addresses(reserved, found->second);
  reserved_.erase(found);
}

}  // namespace engine::gpu
