// Op x case x every kernel entry of a device, against the op's reference:
//   exact      the reference's bits, for every step, layout and number of workers
//   invariant  within the case's bound, and the same bits for a row whatever step it is in
//   fast       within the case's bound
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conformance/op_case.h"
#include "core/device/device.h"
#include "core/kernel/registry.h"

namespace engine {

// A device with the list of kernels that its backend registers.
struct ConformanceDevice {
  DeviceInfo info;  // workers are set by each run
  KernelRegistry registry;
  std::unique_ptr<Device> device = nullptr;  // null: its kernels run on a team of threads, in host memory
  bool checks_memory = false;                // it knows which bytes a kernel may touch: fences are not needed
};

struct Report {
  int launches = 0;
  std::vector<std::string> checked;  // "linear.panel (avx512, panel16)": who ran, in which layout
  std::vector<std::string> failures;
  std::vector<std::string> skips;  // "linear.onednn: w is q4_0[...]": who declined, and why
};

// The largest step runs `repetitions` times, as kernels must give the same bits each time.
Report CheckCase(const OpCase& op_case, const ConformanceDevice& device, int repetitions = 1);

}  // namespace engine
