// What a machine with AMX runs, here with what this machine has: oneDNN for every number of rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "backends/cpu/isa/detect.h"
#include "backends/cpu/op_kernels.h"
#include "backends/cpu/wide_layout.h"
#include "conformance/cases.h"
#include "conformance/check_case.h"

namespace engine {
namespace {

ConformanceDevice AmxDevice() {
  ConformanceDevice device{.info = {.name = "cpu", .kind = "cpu", .isa = "amx"}};
  device.registry.Add("cpu", cpu::WideLayout());
  for (const KernelEntry& entry : cpu::LinearOneDnnKernels()) device.registry.Add("cpu", entry);
  return device;
}

TEST(LinearOneDnn, GivesARowTheSameBitsInEveryStepWhereItsOrderIsNotOurs) {
  if (cpu::MachineIsa() < cpu::Isa::kAvx512) GTEST_SKIP() << "oneDNN has no fast bf16 products here";
  const ConformanceDevice device = AmxDevice();
  size_t checked = 0;
  for (const NamedCase& named : LinearCases()) {
    const OpCase op_case = named.make();
    if (op_case.in[1].spec.dtype != DType::kBF16) continue;
    const Report report = CheckCase(op_case, device);
    EXPECT_THAT(report.failures, testing::IsEmpty()) << named.name;
    for (const std::string& skip : report.skips) std::cout << named.name << " skipped: " << skip << "\n";
    checked += report.checked.size();
  }
  EXPECT_GT(checked, 8u);
}

}  // namespace
}  // namespace engine
