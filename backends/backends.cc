#include "backends/backends.h"

#include "backends/cpu/cpu_device.h"
#include "backends/cpu/kernels.h"

namespace engine {
namespace {

absl::Status NotInThisBuild(std::string_view name) {
  return Unimplemented("device %s: this build has no %s backend; use --device cpu", name, name);
}

}  // namespace

std::vector<DeviceListing> ListDevices() {
  std::vector<DeviceListing> listings;
  auto cpu = CpuDevice::Create({});
  listings.push_back({"cpu", cpu.status(), cpu.ok() ? (*cpu)->info() : DeviceInfo{}});
  for (const char* name : {"cuda", "rocm"}) listings.push_back({name, NotInThisBuild(name), {}});
  return listings;
}

absl::StatusOr<std::unique_ptr<Device>> OpenDevice(std::string_view name, const DeviceOptions& options) {
  if (name == "cpu" || name == "auto") return CpuDevice::Create({.threads = options.threads});
  const std::string_view kind = name.substr(0, name.find(':'));
  if (kind == "cuda" || kind == "rocm") return NotInThisBuild(kind);
  return InvalidArgument("unknown device \"%s\"; the devices are cpu, cuda, rocm and auto", name);
}

void RegisterKernels(KernelRegistry& registry) { RegisterCpuKernels(registry); }

}  // namespace engine
