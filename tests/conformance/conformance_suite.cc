#include <algorithm>
#include <iostream>

#include "conformance/cases.h"
#include "conformance/kernel_run.h"
#include "gmock/gmock.h"
#include "tests/conformance/devices.h"

namespace engine {
namespace {

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
    const bool is_gpu = device.device != nullptr;
    EXPECT_EQ(report.launches == 0, is_gpu && op_case.gpus_decline) << device.info.name;
    for (const std::string& who : report.checked) std::cout << "checked: " << who << "\n";
    for (const std::string& skip : report.skips) std::cout << "skipped: " << skip << "\n";
  }
}

// A kernel that declines every case is checked by none. A CPU's may need instructions that this one lacks.
TEST(ConformanceCases, EveryGpuKernelTakesOne) {
  const std::vector<NamedCase> cases = Cases();
  for (const ConformanceDevice& device : ConformanceDevices()) {
    if (device.device == nullptr) continue;
    for (const KernelEntry* entry : device.registry.Entries(device.info.kind, ENGINE_CONFORMANCE_OP)) {
      EXPECT_TRUE(std::ranges::any_of(
          cases, [&](const NamedCase& named) { return LayoutsOf(named.make(), *entry, device.info).ok(); }))
          << entry->name << " on " << device.info.isa;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Op, Conformance, testing::ValuesIn(Cases()),
                         [](const testing::TestParamInfo<NamedCase>& info) { return info.param.name; });

}  // namespace
}  // namespace engine
