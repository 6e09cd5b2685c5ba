#include "tests/conformance/devices.h"

#include <cstdlib>

#include "backends/cpu/isa/detect.h"
#include "backends/cpu/kernels.h"
#include "backends/gpu/gpu_device.h"
#include "backends/gpu/kernels.h"
#include "backends/simt/simt_driver.h"
#include "core/base/check.h"

namespace engine {
namespace {

ConformanceDevice SimtDevice(const gpu::SimtOptions& options) {
  auto driver = gpu::OpenSimtDriver(options);
  ENGINE_CHECK(driver.ok());  // every build has it
  auto opened = gpu::GpuDevice::Create(*std::move(driver));
  ENGINE_CHECK(opened.ok());
  ConformanceDevice device{.device = *std::move(opened), .checks_memory = options.checks};
  device.info = device.device->info();
  gpu::RegisterGpuKernels(device.registry, "simt");
  return device;
}

}  // namespace

std::vector<ConformanceDevice> ConformanceDevices() {
  std::vector<ConformanceDevice> devices;
  if (std::getenv("ENGINE_CONFORMANCE_CHECKS") != nullptr) {
    for (const int warp : {32, 64}) devices.push_back(SimtDevice({.warp = warp, .checks = true}));
    return devices;
  }
  for (const cpu::Isa isa : {cpu::Isa::kAvx512, cpu::Isa::kAvx2, cpu::Isa::kPortable}) {
    if (isa > cpu::MachineIsa()) continue;
    ConformanceDevice& device = devices.emplace_back();
    device.info = {.name = "cpu", .kind = "cpu", .isa = std::string(cpu::Name(isa))};
    RegisterCpuKernels(device.registry);
  }
  for (const gpu::SimtOptions& options : {gpu::SimtOptions{.warp = 32}, gpu::SimtOptions{.warp = 64, .seed = 1}}) {
    devices.push_back(SimtDevice(options));
  }
  return devices;
}

}  // namespace engine
