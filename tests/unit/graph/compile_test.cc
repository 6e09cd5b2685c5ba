#include "core/graph/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/graph/builder.h"
#include "ops/embedding.h"
#include "ops/linear.h"
#include "ops/quantise.h"
#include "tests/unit/graph/fake_kernels.h"

namespace engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kN = 32;
constexpr int64_t kK = 64;
const DeviceInfo kDevice = {.name = "test", .kind = "test"};

const OpSchema& LinearSchema() { return SchemaOf(Linear{}); }

Graph OneLinear() {
  GraphBuilder b;
  const ValueId x = b.StepInput("x", {DType::kF32, {kTokens, kK}});
  const ValueId w = b.Weight("w", {DType::kF32, {kN, kK}, kOpenLayout});
  b.Add(Linear{.input = InputFor(DType::kF32)}, {x, w});
  return *std::move(b).Finish();
}

absl::StatusOr<Program> CompileFor(const KernelRegistry& registry, const Graph& graph,
                                   Numerics level = Numerics::kInvariant) {
  return Compile(
      graph, registry, kDevice,
      {.level = level, .limits = {.max_tokens = 8, .max_sequences = 2, .max_sampled = 2}, .convert = Convert});
}

std::vector<std::string> Walk(const Step& step) {
  std::vector<std::string> walk;
  for (const Candidate& c : step.walk) walk.push_back(std::string(c.entry) + ": " + std::string(Message(c.answer)));
  return walk;
}

TEST(Compile, TheFirstEntryThatSupportsTheProblemRunsAndEarlierOnesLeaveTheirReason) {
  KernelRegistry registry;
  KernelEntry picky = FakeEntry("picky", LinearSchema());
  picky.supports = [](const Problem&) -> absl::Status { return Unimplemented("needs k = %d", 128); };
  registry.Add("test", picky);
  registry.Add("other device", FakeEntry("elsewhere", LinearSchema()));
  registry.Add("test", FakeEntry("chosen", LinearSchema()));
  registry.Add("test", FakeEntry("never asked", LinearSchema()));
  const auto program = CompileFor(registry, OneLinear());
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_THAT(Walk(program->steps[0]), ElementsAre("picky: needs k = 128", "chosen: "));
}

TEST(Compile, ALevelRefusesKernelsOfALesserClass) {
  KernelRegistry registry;
  KernelEntry fast = FakeEntry("fast", LinearSchema());
  fast.exactness = Exactness::kFast;
  KernelEntry invariant = FakeEntry("invariant", LinearSchema());
  invariant.exactness = Exactness::kInvariant;
  registry.Add("test", fast);
  registry.Add("test", invariant);
  registry.Add("test", FakeEntry("exact", LinearSchema()));
  EXPECT_EQ(CompileFor(registry, OneLinear(), Numerics::kFast)->steps[0].entry->name, "fast");
  EXPECT_EQ(CompileFor(registry, OneLinear(), Numerics::kInvariant)->steps[0].entry->name, "invariant");
  EXPECT_EQ(CompileFor(registry, OneLinear(), Numerics::kExact)->steps[0].entry->name, "exact");
}

TEST(Compile, SelectionGoesOnBehindEveryEntryThatDeclinesWhileItPrepares) {
  KernelRegistry registry;
  for (const char* name : {"first", "second", "third"}) {
    KernelEntry entry = FakeEntry(name, LinearSchema());
    entry.prepare = [](const Problem&) -> absl::StatusOr<std::unique_ptr<Kernel>> {
      return FailedPrecondition("probed and found wanting");
    };
    registry.Add("test", entry);
  }
  registry.Add("test", FakeEntry("fourth", LinearSchema()));
  registry.Add("test", FakeEntry("fifth", LinearSchema()));
  const auto program = CompileFor(registry, OneLinear());
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_THAT(Walk(program->steps[0]),
              ElementsAre("first: probed and found wanting", "second: probed and found wanting",
                          "third: probed and found wanting", "fourth: "));
}

TEST(Compile, AnOpWithoutAKernelFailsWithEveryReason) {
  KernelRegistry registry;
  KernelEntry picky = FakeEntry("picky", LinearSchema());
  picky.supports = [](const Problem&) -> absl::Status { return Unimplemented("needs a full moon"); };
  registry.Add("test", picky);
  const auto program = CompileFor(registry, OneLinear());
  EXPECT_EQ(program.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(Message(program.status()), HasSubstr("picky: needs a full moon"));
  EXPECT_THAT(Message(CompileFor(KernelRegistry(), OneLinear()).status()), HasSubstr("the device lists none"));
}

// A tied table: read by the embedding and by the head.
Graph TiedTable() {
  GraphBuilder b;
  const ValueId tokens = b.StepInput("tokens", {DType::kI32, {kTokens}});
  const ValueId ids = b.Output("ids", {DType::kI32, {kSampled}});
  const ValueId table = b.Weight("table", {DType::kF32, {kN, kK}, kOpenLayout});
  const ValueId x = b.Add(Embedding{}, {tokens, table, ids});
  b.Add(Linear{.input = InputFor(DType::kF32)}, {x, table});
  return *std::move(b).Finish();
}

constexpr LayoutId kBoth[] = {kTestLayout, kRowMajor};
constexpr LayoutId kSwapped[] = {kRowMajor, kTestLayout};
constexpr LayoutId kOther[] = {kOtherLayout};

TEST(Compile, AWeightLiesInTheFirstLayoutThatAllItsConsumersTake) {
  KernelRegistry registry;
  KernelEntry embedding = FakeEntry("embedding", SchemaOf(Embedding{}));
  embedding.weight_layouts = [](const Problem&, int) { return std::span<const LayoutId>(kBoth); };
  KernelEntry linear = FakeEntry("linear", LinearSchema());
  linear.weight_layouts = [](const Problem&, int) { return std::span<const LayoutId>(kSwapped); };
  registry.Add("test", embedding);
  registry.Add("test", linear);
  const auto program = CompileFor(registry, TiedTable());
  ASSERT_TRUE(program.ok()) << program.status();
  for (const Value& value : program->graph.values) {
    if (value.name == "table") EXPECT_EQ(value.spec.layout, kTestLayout);
  }
}

// The layout that the kernel would have had must not keep others from taking the weight.
TEST(Compile, AKernelThatDeclinesWhileItPreparesLeavesNoLayoutBehind) {
  KernelRegistry registry;
  KernelEntry first = FakeEntry("first", LinearSchema());
  first.weight_layouts = [](const Problem&, int) { return std::span<const LayoutId>(kOther); };
  first.prepare = [](const Problem&) -> absl::StatusOr<std::unique_ptr<Kernel>> { return Unimplemented("no"); };
  KernelEntry second = FakeEntry("second", LinearSchema());
  second.weight_layouts = [](const Problem&, int) { return std::span<const LayoutId>(kBoth); };
  second.supports = [](const Problem& problem) -> absl::Status {
    const LayoutId layout = problem.in[1].layout;
    if (layout == kOpenLayout || layout == kTestLayout) return absl::OkStatus();
    return Unimplemented("w lies in %s", layout.name);
  };
  registry.Add("test", first);
  registry.Add("test", second);
  registry.Add("test", FakeEntry("reference", LinearSchema()));
  const auto program = CompileFor(registry, OneLinear());
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_THAT(Walk(program->steps[0]), ElementsAre("first: no", "second: "));
}

TEST(Compile, ConsumersThatAgreeOnNoLayoutAreNamed) {
  KernelRegistry registry;
  registry.Add("test", FakeEntry("plain.embedding", SchemaOf(Embedding{})));
  KernelEntry linear = FakeEntry("packed.linear", LinearSchema());
  linear.weight_layouts = [](const Problem&, int) { return std::span<const LayoutId>(kOther); };
  registry.Add("test", linear);
  const absl::Status status = CompileFor(registry, TiedTable()).status();
  EXPECT_THAT(Message(status), HasSubstr("weight table"));
  EXPECT_THAT(Message(status), HasSubstr("plain.embedding takes row_major"));
  EXPECT_THAT(Message(status), HasSubstr("packed.linear takes other"));
}

TEST(Compile, StepsThatMayRunTogetherHaveScratchOfTheirOwn) {
  KernelRegistry registry;
  KernelEntry entry = FakeEntry("linear", LinearSchema());
  entry.prepare = [](const Problem&) -> absl::StatusOr<std::unique_ptr<Kernel>> {
    return std::make_unique<FakeKernel>(100);
  };
  registry.Add("test", entry);
  GraphBuilder b;
  const ValueId x = b.StepInput("x", {DType::kF32, {kTokens, kK}});
  const ValueId w = b.Weight("w", {DType::kF32, {kK, kK}, kOpenLayout});
  const ValueId first = b.Add(Linear{.input = InputFor(DType::kF32)}, {x, w});
  b.Add(Linear{.input = InputFor(DType::kF32)}, {x, w});      // reads what the first reads
  b.Add(Linear{.input = InputFor(DType::kF32)}, {first, w});  // reads what the first writes
  const auto program = CompileFor(registry, *std::move(b).Finish());
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(program->steps[0].scratch_offset, 0);
  EXPECT_EQ(program->steps[1].scratch_offset, 128);  // 100 rounded up to cache lines
  EXPECT_TRUE(program->steps[2].barrier);
  EXPECT_EQ(program->steps[2].scratch_offset, 0);
  EXPECT_EQ(program->scratch_bytes, 256);
}

TEST(Compile, RowRangesCoverOneRowSmallBatchesAndTheRest) {
  const auto ranges = [](int64_t leading, StepLimits limits) {
    std::vector<std::pair<int64_t, int64_t>> pairs;
    for (const RowRange& range : RowRanges(leading, limits)) pairs.emplace_back(range.min, range.max);
    return pairs;
  };
  using Pairs = std::vector<std::pair<int64_t, int64_t>>;
  const StepLimits limits = {.max_tokens = 512, .max_sequences = 8, .max_sampled = 1};
  EXPECT_EQ(ranges(kTokens, limits), (Pairs{{1, 1}, {2, 16}, {17, 512}}));
  EXPECT_EQ(ranges(kSequences, limits), (Pairs{{1, 1}, {2, 8}}));
  EXPECT_EQ(ranges(kSampled, limits), (Pairs{{1, 1}}));
  EXPECT_EQ(ranges(17, limits), (Pairs{{1, 1}, {2, 16}, {17, 17}}));
}

}  // namespace
}  // namespace engine
