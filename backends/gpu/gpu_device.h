// A GPU as a device of the engine, whoever drives it.
#pragma once

#include <memory>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "backends/gpu/driver.h"
#include "backends/gpu/kernel_instance.h"
#include "core/device/device.h"

namespace engine::gpu {

class GpuDevice : public Device {
 public:
  // Looks up every kernel, so that a module that lacks one fails here.
  static absl::StatusOr<std::unique_ptr<GpuDevice>> Create(std::unique_ptr<GpuDriver> driver);

  const DeviceInfo& info() const override { return info_; }
  absl::StatusOr<Buffer> Allocate(int64_t bytes, MemoryKind kind) override;
  absl::StatusOr<Buffer> Reserve(int64_t bytes) override;
  absl::StatusOr<int64_t> Back(const Buffer& buffer, int64_t bytes) override;
  absl::StatusOr<std::unique_ptr<Stream>> CreateStream() override;

  GpuDriver& driver() { return *driver_; }
  // `instance` is listed in instances.h.
  GpuFunction FunctionOf(const KernelInstance& instance) const;

 private:
  explicit GpuDevice(std::unique_ptr<GpuDriver> driver);

  DeviceInfo info_;
  std::shared_ptr<GpuDriver> driver_;  // with whoever has the info, which may ask for its library
  std::unordered_map<const KernelInstance*, GpuFunction> functions_;
  absl::Mutex mutex_;
  std::unordered_map<const std::byte*, int64_t> mapped_ ABSL_GUARDED_BY(mutex_);  // bytes of each reservation
};

}  // namespace engine::gpu
