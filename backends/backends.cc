#include "backends/backends.h"

#include <array>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "backends/cpu/cpu_device.h"
#include "backends/cpu/kernels.h"
#include "backends/cuda/cuda_driver.h"
#include "backends/gpu/communicator.h"
#include "backends/gpu/gpu_device.h"
#include "backends/gpu/gpu_stream.h"
#include "backends/gpu/guarded_driver.h"
#include "backends/gpu/kernels.h"
#include "backends/hip/hip_driver.h"
#include "backends/simt/simt_driver.h"

namespace engine {
namespace {

using GpuDriverOr = absl::StatusOr<std::unique_ptr<gpu::GpuDriver>>;

absl::StatusOr<std::unique_ptr<Device>> OnDriver(GpuDriverOr driver, const DeviceOptions& options) {
  RETURN_IF_ERROR(driver.status());
  return gpu::GpuDevice::Create(options.guards ? gpu::GuardedDriver(*std::move(driver)) : *std::move(driver));
}

// A vendor's devices, which are numbered.
struct Vendor {
  const char* kind;
  absl::StatusOr<int> (*count)();
  GpuDriverOr (*open)(int ordinal);
};
constexpr std::array kVendors = {
    Vendor{"cuda", [] { return gpu::CountCudaDevices({}); }, [](int i) { return gpu::OpenCudaDriver(i, {}); }},
    Vendor{"rocm", [] { return gpu::CountHipDevices({}); }, [](int i) { return gpu::OpenHipDriver(i, {}); }},
};

// `which` is what follows the kind in the name: "" or ":1".
absl::StatusOr<int> OrdinalOf(const Vendor& vendor, std::string_view which) {
  int ordinal = 0;
  const bool is_number =
      which.starts_with(':') && absl::SimpleAtoi(std::string(which.substr(1)), &ordinal) && ordinal >= 0;
  if (!which.empty() && !is_number) {
    return InvalidArgument("%s%s is no device; they are %s:0, %s:1, ...", vendor.kind, which, vendor.kind, vendor.kind);
  }
  return ordinal;
}

absl::StatusOr<std::unique_ptr<Device>> OpenNumbered(const Vendor& vendor, std::string_view which,
                                                     const DeviceOptions& options) {
  ASSIGN_OR_RETURN(const int ordinal, OrdinalOf(vendor, which));
  auto device = OnDriver(vendor.open(ordinal), options);
  if (device.ok()) return device;
  return absl::Status(device.status().code(), absl::StrFormat("device %s%s: %s; use --device cpu", vendor.kind, which,
                                                              Message(device.status())));
}

// The drivers of `count` devices from `name` on.
absl::StatusOr<std::vector<std::unique_ptr<gpu::GpuDriver>>> OpenDrivers(std::string_view name, int count) {
  const std::string_view kind = name.substr(0, name.find(':'));
  const std::string_view which = name.substr(kind.size());
  if (kind == "simt") {
    ASSIGN_OR_RETURN(const gpu::SimtOptions simt, gpu::ParseSimtOptions(which));
    return gpu::OpenSimtDrivers(simt, count);
  }
  std::vector<std::unique_ptr<gpu::GpuDriver>> drivers;
  for (const Vendor& vendor : kVendors) {
    if (kind != vendor.kind) continue;
    ASSIGN_OR_RETURN(const int first, OrdinalOf(vendor, which));
    for (int i = 0; i < count; ++i) {
      auto driver = vendor.open(first + i);
      if (!driver.ok()) return driver.status();
      drivers.push_back(*std::move(driver));
    }
    return drivers;
  }
  return InvalidArgument("device %s cannot be one of several; those of cuda, rocm and simt can", name);
}

// `which` is what follows "simt" in the name.
absl::StatusOr<std::unique_ptr<Device>> OpenSimt(std::string_view which, const DeviceOptions& options) {
  ASSIGN_OR_RETURN(const gpu::SimtOptions simt, gpu::ParseSimtOptions(which));
  return OnDriver(gpu::OpenSimtDriver(simt), options);
}

DeviceListing Listing(std::string name, const absl::StatusOr<std::unique_ptr<Device>>& device) {
  return {std::move(name), device.status(), device.ok() ? (*device)->info() : DeviceInfo{}};
}

void ListNumbered(const Vendor& vendor, std::vector<DeviceListing>& listings) {
  const absl::StatusOr<int> count = vendor.count();
  if (!count.ok()) listings.push_back({vendor.kind, count.status(), {}});
  for (int i = 0; i < (count.ok() ? *count : 0); ++i) {
    listings.push_back(Listing(absl::StrFormat("%s:%d", vendor.kind, i), OnDriver(vendor.open(i), {})));
  }
}

}  // namespace

std::vector<DeviceListing> ListDevices() {
  std::vector<DeviceListing> listings = {Listing("cpu", CpuDevice::Create({}))};
  for (const Vendor& vendor : kVendors) ListNumbered(vendor, listings);
  listings.push_back(Listing("simt", OpenSimt("", {})));
  return listings;
}

absl::Status CheckDeviceName(std::string_view name) {
  if (name == "cpu" || name == "auto") return absl::OkStatus();
  const std::string_view kind = name.substr(0, name.find(':'));
  const std::string_view which = name.substr(kind.size());
  for (const Vendor& vendor : kVendors) {
    if (kind == vendor.kind) return OrdinalOf(vendor, which).status();
  }
  if (kind == "simt") return gpu::ParseSimtOptions(which).status();
  return InvalidArgument("unknown device \"%s\"; the devices are cpu, cuda, rocm, simt and auto", name);
}

absl::StatusOr<std::unique_ptr<Device>> OpenDevice(std::string_view name, const DeviceOptions& options) {
  RETURN_IF_ERROR(CheckDeviceName(name));
  if (name == "cpu" || name == "auto") return CpuDevice::Create({.threads = options.threads});
  const std::string_view kind = name.substr(0, name.find(':'));
  const std::string_view which = name.substr(kind.size());
  for (const Vendor& vendor : kVendors) {
    if (kind == vendor.kind) return OpenNumbered(vendor, which, options);
  }
  return OpenSimt(which, options);
}

absl::StatusOr<std::vector<std::shared_ptr<Device>>> OpenDevices(std::string_view name, int count,
                                                                 const DeviceOptions& options) {
  std::vector<std::shared_ptr<Device>> devices;
  if (count == 1) {
    ASSIGN_OR_RETURN(devices.emplace_back(), OpenDevice(name, options));
    return devices;
  }
  const std::string asked = absl::StrFormat("tensor_parallel_size is %d", count);
  auto drivers = OpenDrivers(name, count);
  if (!drivers.ok()) return Annotate(drivers.status(), asked);
  for (auto& driver : *drivers) {
    ASSIGN_OR_RETURN(devices.emplace_back(), OnDriver(std::move(driver), options));
    const DeviceInfo& first = devices.front()->info();
    const DeviceInfo& last = devices.back()->info();
    if (last.isa == first.isa) continue;
    return InvalidArgument("%s: %s is %s and %s is %s; they must be of one architecture", asked, first.name, first.isa,
                           last.name, last.isa);
  }
  return devices;
}

absl::StatusOr<std::vector<std::unique_ptr<Stream>>> CreateStreams(std::span<const std::shared_ptr<Device>> devices,
                                                                   int64_t slice_bytes) {
  std::vector<std::unique_ptr<Stream>> streams;
  if (devices.size() == 1) {
    ASSIGN_OR_RETURN(streams.emplace_back(), devices[0]->CreateStream());
    return streams;
  }
  std::vector<gpu::GpuDevice*> gpus;  // as OpenDevices opens no others
  std::vector<gpu::GpuDriver*> drivers;
  for (const auto& device : devices) {
    gpus.push_back(static_cast<gpu::GpuDevice*>(device.get()));
    drivers.push_back(&gpus.back()->driver());
  }
  ASSIGN_OR_RETURN(auto communicators, gpu::ConnectInProcess(drivers, slice_bytes));
  for (size_t i = 0; i < gpus.size(); ++i) {
    ASSIGN_OR_RETURN(streams.emplace_back(), gpu::GpuStream::Create(*gpus[i], std::move(communicators[i])));
  }
  return streams;
}

int64_t GatherBytes(int64_t slice_bytes) { return gpu::kPlaces * slice_bytes; }

void RegisterKernels(KernelRegistry& registry) {
  RegisterCpuKernels(registry);
  for (const char* kind : {"cuda", "rocm", "simt"}) gpu::RegisterGpuKernels(registry, kind);
}

}  // namespace engine
