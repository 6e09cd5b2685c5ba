// The selftest must name what is broken: kernels are planted beside the right ones on the SIMT device.
#include <algorithm>
#include <map>

#include "backends/gpu/add.h"
#include "backends/gpu/gpu_device.h"
#include "backends/gpu/kernels.h"
#include "backends/gpu/launch.h"
#include "backends/simt/simt_driver.h"
#include "gmock/gmock.h"
#include "ops/add.h"
#include "selftest/built_in_model.h"
#include "selftest/kernel_checks.h"
#include "selftest/model_checks.h"

namespace engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr OpCases kAddCases[] = {{"add", AddCases}};

// Leaves the last element out, or writes all of them `kShift` too far behind.
template <int64_t kShift>
absl::StatusOr<std::unique_ptr<Kernel>> PrepareAdd(const Problem&) {
  return gpu::MakeKernel([](const LaunchArgs& args) {
    const int64_t count = gpu::RowsOf(args.out[0], args) * args.out[0].spec->shape.row_elements();
    if (count == 0) return;
    gpu::Enqueue(args, gpu::kAdd, {},
                 gpu::AddArgs{.a = args.in[0].as<const float>(),
                              .b = args.in[1].as<const float>(),
                              .out = args.out[0].as<float>() + kShift,
                              .count = count - (kShift == 0 ? 1 : 0)});
  });
}

ConformanceDevice Simt() {
  auto opened = *gpu::GpuDevice::Create(*gpu::OpenSimtDriver({}));
  ConformanceDevice device{.info = opened->info(), .registry = {}, .device = std::move(opened)};
  gpu::RegisterGpuKernels(device.registry, "simt");
  return device;
}

template <int64_t kShift>
ConformanceDevice SimtWithPlantedAdd() {
  ConformanceDevice device = Simt();
  device.registry.Add("simt", {.name = "add.planted",
                               .op = &SchemaOf(Add{}),
                               .supports = [](const Problem&) { return absl::OkStatus(); },
                               .prepare = PrepareAdd<kShift>});
  return device;
}

std::vector<SelfTestCheck> KernelChecks(const ConformanceDevice& device) {
  std::vector<SelfTestCheck> checks;
  CheckKernels(device, [&](const SelfTestCheck& check) { checks.push_back(check); }, kAddCases);
  return checks;
}

TEST(SelfTest, CountsTheKernelsThatKeepToTheReference) {
  const std::vector<SelfTestCheck> checks = KernelChecks(Simt());
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_TRUE(checks[0].result.ok()) << checks[0].result;
  EXPECT_THAT(checks[0].figures, HasSubstr("add.gpu (warp32, row_major); 4 cases"));
}

TEST(SelfTest, NamesAKernelThatLeavesAnElementOut) {
  EXPECT_THAT(Message(KernelChecks(SimtWithPlantedAdd<0>())[0].result),
              AllOf(HasSubstr("add.planted"), HasSubstr("d1")));
}

TEST(SelfTest, NamesAKernelThatWritesPastTheEnd) {
  EXPECT_THAT(Message(KernelChecks(SimtWithPlantedAdd<3>())[0].result),
              AllOf(HasSubstr("add.planted"), HasSubstr("wrote outside its outputs")));
}

TEST(SelfTest, FindsTheCpusBitsInItsModelsOnSimtBetweenGuards) {
  std::map<std::string, absl::Status> results;
  CheckBuiltInModels({.device = "simt"}, [&](const SelfTestCheck& check) { results[check.name] = check.result; });
  EXPECT_EQ(results.size(), 16u);
  for (const auto& [name, result] : results) EXPECT_TRUE(result.ok()) << name << ": " << result;
}

TEST(SelfTest, LooksAtAUsersModelBetweenGuardsOnSeveralDevices) {
  const auto model = *BuiltInModel::Create(DType::kW8);
  std::map<std::string, absl::Status> results;
  CheckModel({.device = "simt:64", .tensor_parallel_size = 2}, model->path(),
             [&](const SelfTestCheck& check) { results[check.name] = check.result; });
  EXPECT_EQ(results.size(), 8u);
  int between_guards = 0;
  for (const auto& [name, result] : results) {
    EXPECT_TRUE(result.ok()) << name << ": " << result;
    between_guards += name.starts_with(model->path() + " between guards") ? 1 : 0;
  }
  EXPECT_EQ(between_guards, 4);
}

}  // namespace
}  // namespace engine
