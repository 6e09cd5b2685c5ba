#include "backends/gpu/gpu_device.h"

#include <algorithm>

#include "backends/gpu/gpu_stream.h"
#include "backends/gpu/instances.h"
#include "core/base/check.h"
#include "core/base/round_up.h"

namespace engine::gpu {
namespace {

std::string GrowthRemark(const GpuDriverInfo& gpu) {
  if (gpu.growth_bytes == 0) return absl::StrFormat("the KV cache is allocated at once: %s", gpu.no_growth);
  return absl::StrFormat("the KV cache grows in steps of %d KiB", gpu.growth_bytes / 1024);
}

}  // namespace

GpuDevice::GpuDevice(std::unique_ptr<GpuDriver> driver) : driver_(std::move(driver)) {
  const GpuDriverInfo& gpu = driver_->info();
  info_ = {.name = gpu.name,
           .kind = gpu.kind,
           .description = gpu.description,
           .isa = gpu.architecture,
           .memory_bytes = gpu.memory_bytes,
           .replays_steps = true,
           .growth_bytes = gpu.growth_bytes,
           .matrix_library = [driver = driver_] { return driver->HasMatrixLibrary(); },
           .remarks = {GrowthRemark(gpu)}};
}

absl::StatusOr<std::unique_ptr<GpuDevice>> GpuDevice::Create(std::unique_ptr<GpuDriver> driver) {
  std::unique_ptr<GpuDevice> device(new GpuDevice(std::move(driver)));
  for (const KernelInstance* instance : kInstances) {
    ASSIGN_OR_RETURN(device->functions_[instance], device->driver_->FindFunction(*instance));
  }
  return device;
}

absl::StatusOr<Buffer> GpuDevice::Allocate(int64_t bytes, MemoryKind kind) {
  if (bytes == 0) return Buffer();
  ASSIGN_OR_RETURN(std::byte * memory, driver_->Allocate(bytes, kind));
  return Buffer(memory, bytes, [this, kind](std::byte* p) { driver_->Free(p, kind); });
}

absl::StatusOr<Buffer> GpuDevice::Reserve(int64_t bytes) {
  const int64_t step = info_.growth_bytes;
  if (bytes == 0 || step == 0) return Allocate(bytes, MemoryKind::kDevice);
  ASSIGN_OR_RETURN(std::byte * memory, driver_->Reserve(RoundUp(bytes, step)));
  absl::MutexLock lock(&mutex_);
  mapped_[memory] = 0;
  return Buffer(memory, bytes, [this](std::byte* reserved) {
    absl::MutexLock freeing(&mutex_);
    mapped_.erase(reserved);
    driver_->Release(reserved);
  });
}

absl::StatusOr<int64_t> GpuDevice::Back(const Buffer& buffer, int64_t bytes) {
  absl::MutexLock lock(&mutex_);
  const auto found = mapped_.find(buffer.data());
  if (found == mapped_.end()) return buffer.size();  // it always is
  int64_t& mapped = found->second;
  const int64_t wanted = RoundUp(std::min(bytes, buffer.size()), info_.growth_bytes);
  if (wanted > mapped) {
    RETURN_IF_ERROR(driver_->Map(buffer.data() + mapped, wanted - mapped));
    mapped = wanted;
  }
  return std::min(mapped, buffer.size());
}

absl::StatusOr<std::unique_ptr<Stream>> GpuDevice::CreateStream() { return GpuStream::Create(*this); }

GpuFunction GpuDevice::FunctionOf(const KernelInstance& instance) const {
  const auto found = functions_.find(&instance);
  ENGINE_CHECK(found != functions_.end());
  return found->second;
}

}  // namespace engine::gpu
