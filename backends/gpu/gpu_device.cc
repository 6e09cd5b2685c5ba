#include "backends/gpu/gpu_device.h"

#include "backends/gpu/gpu_stream.h"
#include "backends/gpu/instances.h"
#include "core/base/check.h"

namespace engine::gpu {

GpuDevice::GpuDevice(std::unique_ptr<GpuDriver> driver) : driver_(std::move(driver)) {
  const GpuDriverInfo& gpu = driver_->info();
  info_ = {.name = gpu.name,
           .kind = gpu.kind,
           .description = gpu.description,
           .isa = gpu.architecture,
           .memory_bytes = gpu.memory_bytes,
           .replays_steps = true};
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

absl::StatusOr<std::unique_ptr<Stream>> GpuDevice::CreateStream() { return GpuStream::Create(*this); }

GpuFunction GpuDevice::FunctionOf(const KernelInstance& instance) const {
  const auto found = functions_.find(&instance);
  ENGINE_CHECK(found != functions_.end());
  return found->second;
}

}  // namespace engine::gpu
