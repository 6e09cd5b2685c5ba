// Which devices this build can drive and which of them this machine has.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/device/device.h"
#include "core/kernel/registry.h"

namespace engine {

struct DeviceOptions {
  int threads = 0;      // CPU: 0 for as many as the process may run on
  bool guards = false;  // GPUs: whoever writes past the end of an allocation fails (backends/gpu/guarded_driver.h)
};

struct DeviceListing {
  std::string name;    // "cpu", "cuda:0", or "cuda" where there is none
  absl::Status state;  // OK, or why it cannot be used here
  DeviceInfo info;     // valid when state is OK
};

// Every device of this machine, and every kind of which it has none.
std::vector<DeviceListing> ListDevices();

// Whether OpenDevice knows the name, of a device that may be elsewhere.
absl::Status CheckDeviceName(std::string_view name);

// `name` is cpu, cuda:N, rocm:N, simt:WARP or auto (the CPU, until GPUs have proven faster). The error says why the device
// is not there.
absl::StatusOr<std::unique_ptr<Device>> OpenDevice(std::string_view name, const DeviceOptions& options);

// `count` devices for one model: `name` and those that follow it in number; of SIMT, devices of that warp. They are of one
// architecture. The error says which is not there; a CPU is one device.
absl::StatusOr<std::vector<std::shared_ptr<Device>>> OpenDevices(std::string_view name, int count,
                                                                 const DeviceOptions& options);

// A stream on each of the devices of OpenDevices, or on the only one: the programs that all run together may gather slices
// of at most `slice_bytes`. Each is fed by a thread of its own; one that fails makes all fail.
absl::StatusOr<std::vector<std::unique_ptr<Stream>>> CreateStreams(std::span<const std::shared_ptr<Device>> devices,
                                                                   int64_t slice_bytes);

// What CreateStreams takes of each device's memory for slices on their way.
int64_t GatherBytes(int64_t slice_bytes);

// The kernel lists and weight layouts of every backend in this build.
void RegisterKernels(KernelRegistry& registry);

}  // namespace engine
