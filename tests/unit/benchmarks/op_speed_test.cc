// Every load of the list runs on its first entry, at its smallest.
#include "benchmarks/op_speed.h"

#include <set>

#include "benchmarks/op_list.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

constexpr std::pair<int64_t, int64_t> kSmall = {64, 256};

OpSelection Smallest() { return {.shapes = {kSmall}, .rows = {1}, .contexts = {40}}; }

TEST(OpList, EveryOpHasLoadsOfDifferentNames) {
  for (const std::string_view op : TimedOps()) {
    const std::vector<OpLoad> loads = ListOpLoads({.ops = {std::string(op)}});
    EXPECT_FALSE(loads.empty()) << op;
    std::set<std::string> names;
    for (const OpLoad& load : loads) {
      EXPECT_EQ(load.op.name(), op);
      EXPECT_TRUE(names.insert(load.name()).second) << load.name();
    }
  }
}

TEST(OpList, FiltersMustAllOccur) {
  const std::vector<OpLoad> loads = ListOpLoads({.filters = {"q4_0", "n2048 k1024", "r64"}});
  ASSERT_EQ(loads.size(), 1u);
  EXPECT_EQ(loads[0].name(), "linear q4_0 n2048 k1024 r64");
  EXPECT_TRUE(ListOpLoads({.filters = {"no such"}}).empty());
}

TEST(OpSpeed, TimesEveryOp) {
  const auto speed = OpSpeed::Create("cpu", {.threads = 1, .repetitions = 1, .copy_bytes = 1 << 20}).value();
  std::set<std::string> timed;
  for (const OpLoad& load : ListOpLoads(Smallest())) {
    // Tables of a whole vocabulary take too long for a unit test; one of them shows that they work.
    if (load.op.name() == "embedding" && load.format != "q4_0") continue;
    if (!timed.insert(std::string(load.op.name()) + load.format).second) continue;
    const auto result = speed->Measure(load, "");
    ASSERT_TRUE(result.ok()) << load.name() << ": " << result.status();
    EXPECT_GT(result->seconds, 0) << load.name();
    EXPECT_GT(result->share, 0) << load.name();
  }
}

TEST(OpSpeed, TimesEveryOpOnAGpu) {
  const auto speed = OpSpeed::Create("simt", {.repetitions = 1, .copy_bytes = 1 << 20}).value();
  std::set<std::string> timed;
  for (const OpLoad& load : ListOpLoads(Smallest())) {
    if (load.op.name() == "embedding" || speed->EntriesFor(load).empty()) continue;
    if (!timed.insert(std::string(load.op.name())).second && load.format != "w8") continue;
    const auto result = speed->Measure(load, "");
    ASSERT_TRUE(result.ok()) << load.name() << ": " << result.status();
    EXPECT_GT(result->share, 0) << load.name();
  }
  EXPECT_EQ(timed.size(), TimedOps().size() - 1);
}

TEST(OpSpeed, ForcesTheNamedEntryAndSaysWhyItDeclines) {
  const auto speed = OpSpeed::Create("cpu", {.threads = 1, .repetitions = 1, .copy_bytes = 1 << 20}).value();
  const OpLoad load = ListOpLoads({.ops = {"linear"}, .formats = {DType::kQ8_0}, .shapes = {kSmall}, .rows = {2}})[0];
  for (const std::string& entry : speed->EntriesFor(load)) EXPECT_EQ(speed->Measure(load, entry)->entry, entry);
  EXPECT_THAT(speed->EntriesFor(load), ::testing::Contains("linear.panel16.portable"));
  EXPECT_THAT(std::string(speed->Measure(load, "linear.absent").status().message()), HasSubstr("linear.absent"));
}

}  // namespace
}  // namespace engine
