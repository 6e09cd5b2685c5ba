#include <algorithm>
#include <iostream>

#include "gmock/gmock.h"
#include "tests/conformance/conformance.h"

namespace engine {
namespace {

// The one gap there is: GPUs have no kernels for weights of 4 bits with zero points of their own.
bool HasKernel(const ConformanceDevice& device, const OpCase& op_case) {
  return device.info.kind == "cpu" ||
         std::ranges::none_of(op_case.in, [](const CaseInput& in) { return IsW4(in.spec.dtype); });
}

TEST_P(Conformance, EveryKernelOfEveryDeviceKeepsToTheReference) {
  const OpCase op_case = GetParam().make();
  for (const ConformanceDevice& device : ConformanceDevices()) {
    const Report report = CheckCase(op_case, device);
    EXPECT_THAT(report.failures, testing::IsEmpty()) << op_case.op.to_string();
    EXPECT_EQ(report.launches > 0, HasKernel(device, op_case)) << device.info.name;
    for (const std::string& who : report.checked) std::cout << "checked: " << who << "\n";
    for (const std::string& skip : report.skips) std::cout << "skipped: " << skip << "\n";
  }
}

}  // namespace
}  // namespace engine
