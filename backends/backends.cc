#include "backends/backends.h"

#include "backends/cpu/cpu_device.h"
#include "backends/cpu/kernels.h"
#include "backends/gpu/gpu_device.h"
#include "backends/gpu/kernels.h"
#include "backends/simt/simt_driver.h"

namespace engine {
namespace {

absl::Status NotInThisBuild(std::string_view name) {
  return Unimplemented("device %s: this build has no %s backend; use --device cpu", name, name);
}

// `which` is what follows "simt" in the name.
absl::StatusOr<std::unique_ptr<Device>> OpenSimt(std::string_view which) {
  ASSIGN_OR_RETURN(const gpu::SimtOptions options, gpu::ParseSimtOptions(which));
  ASSIGN_OR_RETURN(std::unique_ptr<gpu::GpuDriver> driver, gpu::OpenSimtDriver(options));
  return gpu::GpuDevice::Create(std::move(driver));
}

DeviceListing Listing(const char* name, const absl::StatusOr<std::unique_ptr<Device>>& device) {
  return {name, device.status(), device.ok() ? (*device)->info() : DeviceInfo{}};
}

}  // namespace

std::vector<DeviceListing> ListDevices() {
  std::vector<DeviceListing> listings = {Listing("cpu", CpuDevice::Create({}))};
  for (const char* name : {"cuda", "rocm"}) listings.push_back({name, NotInThisBuild(name), {}});
  listings.push_back(Listing("simt", OpenSimt("")));
  return listings;
}

absl::StatusOr<std::unique_ptr<Device>> OpenDevice(std::string_view name, const DeviceOptions& options) {
  if (name == "cpu" || name == "auto") return CpuDevice::Create({.threads = options.threads});
  const std::string_view kind = name.substr(0, name.find(':'));
  if (kind == "cuda" || kind == "rocm") return NotInThisBuild(kind);
  if (kind == "simt") return OpenSimt(name.substr(kind.size()));
  return InvalidArgument("unknown device \"%s\"; the devices are cpu, cuda, rocm, simt and auto", name);
}

void RegisterKernels(KernelRegistry& registry) {
  RegisterCpuKernels(registry);
  for (const char* kind : {"cuda", "rocm", "simt"}) gpu::RegisterGpuKernels(registry, kind);
}

}  // namespace engine
