#include <iostream>

#include "gmock/gmock.h"
#include "tests/conformance/conformance.h"

namespace engine {
namespace {

TEST_P(Conformance, EveryKernelOfEveryDeviceKeepsToTheReference) {
  const OpCase op_case = GetParam().make();
  for (const ConformanceDevice& device : ConformanceDevices()) {
    const Report report = CheckCase(op_case, device);
    EXPECT_THAT(report.failures, testing::IsEmpty()) << op_case.op.to_string();
    EXPECT_GT(report.launches, 0) << device.info.name;
    for (const std::string& who : report.checked) std::cout << "checked: " << who << "\n";
    for (const std::string& skip : report.skips) std::cout << "skipped: " << skip << "\n";
  }
}

}  // namespace
}  // namespace engine
