#include <algorithm>
#include <iostream>

#include "conformance/cases.h"
#include "gmock/gmock.h"
#include "tests/conformance/devices.h"

namespace engine {
namespace {

// The one gap there is: GPUs have no kernels for weights of 4 bits with zero points of their own.
bool HasKernel(const ConformanceDevice& device, const OpCase& op_case) {
  return device.info.kind == "cpu" ||
         std::ranges::none_of(op_case.in, [](const CaseInput& in) { return IsW4(in.spec.dtype); });
}

// Compiled once per op, which the build names.
std::vector<NamedCase> Cases() {
  const auto* found = std::ranges::find(kOpCases, std::string_view(ENGINE_CONFORMANCE_OP), &OpCases::op);
  return found == std::end(kOpCases) ? std::vector<NamedCase>{} : found->make();
}

class Conformance : public testing::TestWithParam<NamedCase> {};

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

INSTANTIATE_TEST_SUITE_P(Op, Conformance, testing::ValuesIn(Cases()),
                         [](const testing::TestParamInfo<NamedCase>& info) { return info.param.name; });

}  // namespace
}  // namespace engine
