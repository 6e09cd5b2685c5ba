#include "tests/conformance/devices.h"

#include "backends/cpu/isa/detect.h"
#include "backends/cpu/kernels.h"

namespace engine {

std::vector<ConformanceDevice> ConformanceDevices() {
  std::vector<ConformanceDevice> devices;
  for (const cpu::Isa isa : {cpu::Isa::kAvx512, cpu::Isa::kAvx2, cpu::Isa::kPortable}) {
    if (isa > cpu::MachineIsa()) continue;
    ConformanceDevice& device = devices.emplace_back();
    device.info = {.name = "cpu", .kind = "cpu", .isa = std::string(cpu::Name(isa))};
    RegisterCpuKernels(device.registry);
  }
  return devices;
}

}  // namespace engine
