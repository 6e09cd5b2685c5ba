// The harness itself: what it must catch.
#include <cstring>

#include "conformance/check_case.h"
#include "conformance/test_data.h"
#include "gmock/gmock.h"
#include "ops/add.h"
#include "ops/linear.h"

namespace engine {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

OpCase AddCase() {
  TestData data(1);
  return {.name = "small",
          .op = OpRef(SchemaOf(Add{}), Add{}),
          .in = {data.Rows(DType::kF32, kTokens, 20, 5, Values::kNormal),
                 data.Rows(DType::kF32, kTokens, 20, 5, Values::kNormal)},
          .largest = {.tokens = 20}};
}

using LaunchFunction = void (*)(const LaunchArgs& args);

// Adds correctly, then does harm.
template <LaunchFunction kHarm>
class HarmfulAdd : public Kernel {
 public:
  void Launch(const LaunchArgs& args) const override {
    const int64_t count = int64_t{args.extents.tokens} * 5;
    if (args.worker.index() != 0) return;
    for (int64_t i = 0; i < count; ++i) {
      args.out[0].as<float>()[i] = args.in[0].as<float>()[i] + args.in[1].as<float>()[i];
    }
    kHarm(args);
  }
};

template <LaunchFunction kHarm>
ConformanceDevice DeviceWith(Exactness exactness = Exactness::kExact) {
  ConformanceDevice device = {.info = {.name = "cpu", .kind = "cpu", .isa = "portable"}, .registry = {}};
  device.registry.Add("cpu", {.name = "add.harmful",
                              .op = &SchemaOf(Add{}),
                              .exactness = exactness,
                              .supports = [](const Problem&) { return absl::OkStatus(); },
                              .prepare = [](const Problem&) -> absl::StatusOr<std::unique_ptr<Kernel>> {
                                return std::make_unique<HarmfulAdd<kHarm>>();
                              }});
  return device;
}

void DoNothing(const LaunchArgs&) {}
void ChangeOneBit(const LaunchArgs& args) {
  if (args.extents.tokens > 16) args.out[0].as<uint32_t>()[16 * 5 + 2] ^= 1;
}
void ChangeTheLargestStep(const LaunchArgs& args) {
  if (args.extents.tokens == 20) args.out[0].as<uint32_t>()[2] ^= 1;
}
void WriteBehindTheEnd(const LaunchArgs& args) { args.out[0].as<float>()[args.extents.tokens * 5] = 0.0f; }
void WriteBehindTheLargestStep(const LaunchArgs& args) {
  if (args.extents.tokens == 20) WriteBehindTheEnd(args);
}
void ChangeAnInput(const LaunchArgs& args) {
  if (args.extents.tokens > 0) args.in[1].as<float>()[0] = 0.0f;
}
void LeaveARowOut(const LaunchArgs& args) {
  if (args.extents.tokens == 17) std::memset(args.out[0].data + 16 * 20, 0xff, 20);
}

TEST(ConformanceHarness, AcceptsACorrectKernel) {
  const Report report = CheckCase(AddCase(), DeviceWith<DoNothing>());
  EXPECT_THAT(report.failures, IsEmpty());
  EXPECT_GT(report.launches, 10);
}

TEST(ConformanceHarness, SeesOneWrongBit) {
  const Report report = CheckCase(AddCase(), DeviceWith<ChangeOneBit>());
  EXPECT_THAT(report.failures, Contains(HasSubstr("row 16, column 2")));
}

TEST(ConformanceHarness, SeesAWriteBehindTheEnd) {
  const Report report = CheckCase(AddCase(), DeviceWith<WriteBehindTheEnd>());
  EXPECT_THAT(report.failures, Contains(HasSubstr("wrote outside")));
}

TEST(ConformanceHarness, SeesAChangedInput) {
  const Report report = CheckCase(AddCase(), DeviceWith<ChangeAnInput>());
  EXPECT_THAT(report.failures, Contains(HasSubstr("changed its input 1")));
}

TEST(ConformanceHarness, SeesARowThatWasNotComputed) {
  const Report report = CheckCase(AddCase(), DeviceWith<LeaveARowOut>());
  EXPECT_THAT(report.failures, Contains(HasSubstr("rows 0 + 17")));
}

TEST(ConformanceHarness, InvariantKernelsMayDifferFromTheReferenceButNotFromThemselves) {
  OpCase op_case = AddCase();
  op_case.bound = [](int64_t, int64_t, float) { return 1.0; };
  EXPECT_THAT(CheckCase(op_case, DeviceWith<ChangeOneBit>(Exactness::kInvariant)).failures, IsEmpty());
  EXPECT_THAT(CheckCase(op_case, DeviceWith<ChangeTheLargestStep>(Exactness::kFast)).failures, IsEmpty());
  const Report report = CheckCase(op_case, DeviceWith<ChangeTheLargestStep>(Exactness::kInvariant));
  EXPECT_THAT(report.failures, Contains(HasSubstr("itself over all rows")));
}

TEST(ConformanceHarness, HoldsInexactKernelsToTheBound) {
  OpCase op_case = AddCase();
  op_case.bound = [](int64_t, int64_t, float) { return 0.0; };
  const Report report = CheckCase(op_case, DeviceWith<ChangeOneBit>(Exactness::kFast));
  EXPECT_THAT(report.failures, Contains(HasSubstr("the bound is 0")));
}

TEST(ConformanceHarness, ComparesNothingWithAStepThatFailed) {
  OpCase op_case = AddCase();
  op_case.bound = [](int64_t, int64_t, float) { return 1.0; };
  const Report report = CheckCase(op_case, DeviceWith<WriteBehindTheLargestStep>(Exactness::kInvariant));
  EXPECT_THAT(report.failures, Each(AllOf(HasSubstr("rows 0 + 20"), HasSubstr("wrote outside"))));
  EXPECT_THAT(report.failures, SizeIs(3)) << "one for each number of workers";
}

TEST(ConformanceHarness, ALayoutThatIsNotRegisteredIsAFailure) {
  static constexpr LayoutId kNowhere[] = {{"nowhere"}};
  TestData data(1);
  const OpCase op_case = {
      .name = "small",
      .op = OpRef(SchemaOf(Linear{}), Linear{}),
      .in = {data.Rows(DType::kF32, kTokens, 20, 5, Values::kNormal), data.Weight(DType::kF32, 3, 5)},
      .largest = {.tokens = 20}};
  ConformanceDevice device = {.info = {.name = "cpu", .kind = "cpu", .isa = "portable"}, .registry = {}};
  device.registry.Add("cpu",
                      {.name = "linear.nowhere",
                       .op = &SchemaOf(Linear{}),
                       .supports = [](const Problem&) { return absl::OkStatus(); },
                       .weight_layouts = [](const Problem&, int) { return std::span<const LayoutId>(kNowhere); }});
  EXPECT_THAT(CheckCase(op_case, device).failures, ElementsAre(HasSubstr("the layout is not registered")));
}

TEST(ConformanceHarness, ReportsWhyAKernelDeclines) {
  ConformanceDevice device = DeviceWith<DoNothing>();
  ConformanceDevice declining = {.info = device.info, .registry = {}};
  KernelEntry entry = *device.registry.Entries("cpu", "add").front();
  entry.supports = [](const Problem&) { return Unimplemented("it only adds on Sundays"); };
  declining.registry.Add("cpu", entry);
  const Report report = CheckCase(AddCase(), declining);
  EXPECT_THAT(report.skips, Contains(HasSubstr("only adds on Sundays")));
  EXPECT_EQ(report.launches, 0);
}

}  // namespace
}  // namespace engine
