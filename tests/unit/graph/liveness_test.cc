#include "core/graph/liveness.h"

#include <gtest/gtest.h>

#include <random>

#include "core/graph/builder.h"
#include "ops/add.h"

namespace engine {
namespace {

constexpr StepLimits kLimits = {.max_tokens = 7, .max_sequences = 3, .max_sampled = 2};
constexpr uint32_t kSeed = 20261125;

// Sums of two earlier values each, some of them kept as outputs.
Graph RandomGraph(std::mt19937& random, int num_ops) {
  GraphBuilder b;
  const TensorSpec spec = {DType::kF32, {kTokens, static_cast<int64_t>(1 + random() % 64)}};
  std::vector<ValueId> values = {b.StepInput("x", spec), b.StepInput("y", spec)};
  for (int n = 0; n < num_ops; ++n) {
    // Mostly recent values, so that lifetimes differ.
    const auto pick = [&] {
      const size_t back = random() % 8 == 0 ? random() % values.size() : random() % std::min<size_t>(values.size(), 4);
      return values[values.size() - 1 - back];
    };
    if (random() % 6 == 0) {
      values.push_back(b.Output("kept", spec));
      b.AddInto(Add{}, {values[values.size() - 2], pick()}, {values.back()});
    } else {
      values.push_back(b.Add(Add{}, {pick(), pick()}));
    }
  }
  return *std::move(b).Finish();
}

struct Range {
  int64_t begin;
  int64_t end;
  bool Overlaps(const Range& other) const { return begin < other.end && other.begin < end; }
};

Range RangeOf(const Graph& graph, const ArenaPlan& arena, ValueId id) {
  return {arena.offsets[id], arena.offsets[id] + MaxBytes(graph.value(id).spec, kLimits)};
}

TEST(PlanArena, ValuesThatAreStillToBeReadAreNeverWrittenOver) {
  RecordProperty("seed", kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 200; ++round) {
    const Graph graph = RandomGraph(random, 1 + static_cast<int>(random() % 30));
    const ArenaPlan arena = PlanArena(graph, kLimits);
    // Walk the program, remembering who wrote the bytes of each value last.
    std::vector<ValueId> written;
    for (const Node& node : graph.nodes) {
      for (const ValueId id : node.in) {
        if (graph.value(id).kind != ValueKind::kIntermediate) continue;
        EXPECT_NE(std::ranges::find(written, id), written.end()) << "value " << id << " was overwritten";
      }
      for (const ValueId id : node.out) {
        if (graph.value(id).kind != ValueKind::kIntermediate) {
          EXPECT_EQ(arena.offsets[id], -1);
          continue;
        }
        const Range range = RangeOf(graph, arena, id);
        EXPECT_EQ(range.begin % 64, 0);
        EXPECT_LE(range.end, arena.bytes);
        for (const ValueId in : node.in) {
          const bool in_arena = graph.value(in).kind == ValueKind::kIntermediate;
          EXPECT_FALSE(in_arena && range.Overlaps(RangeOf(graph, arena, in))) << "an op writes over its own input";
        }
        std::erase_if(written, [&](ValueId other) { return range.Overlaps(RangeOf(graph, arena, other)); });
        written.push_back(id);
      }
    }
  }
}

TEST(PlanArena, AChainNeedsTwoValuesAtATime) {
  GraphBuilder b;
  const TensorSpec spec = {DType::kF32, {kTokens, 16}};
  ValueId x = b.StepInput("x", spec);
  for (int n = 0; n < 10; ++n) x = b.Add(Add{}, {x, x});
  const Graph graph = *std::move(b).Finish();
  EXPECT_EQ(PlanArena(graph, kLimits).bytes, 2 * 7 * 16 * 4);  // 448 bytes each, a multiple of 64
}

// Bytes that a step reads or writes: outside the arena, a value is a range of its own behind it.
Range BytesOf(const Graph& graph, const ArenaPlan& arena, ValueId id) {
  if (arena.offsets[id] >= 0) return RangeOf(graph, arena, id);
  return {arena.bytes + id, arena.bytes + id + 1};
}

TEST(PlanBarriers, StepsBetweenTwoBarriersNeverTouchWhatAnotherWrites) {
  RecordProperty("seed", kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 200; ++round) {
    const Graph graph = RandomGraph(random, 1 + static_cast<int>(random() % 30));
    const ArenaPlan arena = PlanArena(graph, kLimits);
    const std::vector<bool> barriers = PlanBarriers(graph, arena, kLimits);
    size_t start = 0;
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      if (barriers[n]) start = n;
      for (size_t earlier = start; earlier < n; ++earlier) {
        const auto conflict = [&](const std::vector<ValueId>& a, const std::vector<ValueId>& b) {
          for (const ValueId i : a) {
            for (const ValueId j : b) {
              if (BytesOf(graph, arena, i).Overlaps(BytesOf(graph, arena, j))) return true;
            }
          }
          return false;
        };
        const Node& first = graph.nodes[earlier];
        const Node& second = graph.nodes[n];
        EXPECT_FALSE(conflict(first.out, second.in)) << "reads what step " << earlier << " writes";
        EXPECT_FALSE(conflict(first.out, second.out)) << "writes what step " << earlier << " writes";
        EXPECT_FALSE(conflict(first.in, second.out)) << "writes what step " << earlier << " reads";
      }
    }
  }
}

TEST(PlanBarriers, MemoryThatIsUsedTwiceAsksForNone) {
  RecordProperty("seed", kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 200; ++round) {
    const Graph graph = RandomGraph(random, 1 + static_cast<int>(random() % 30));
    const ArenaPlan apart = {.offsets = std::vector<int64_t>(graph.values.size(), -1)};
    EXPECT_EQ(PlanBarriers(graph, PlanArena(graph, kLimits), kLimits), PlanBarriers(graph, apart, kLimits));
  }
}

TEST(PlanBarriers, StepsThatShareNothingButInputsNeedNone) {
  GraphBuilder b;
  const TensorSpec spec = {DType::kF32, {kTokens, 16}};
  const ValueId x = b.StepInput("x", spec);
  const ValueId left = b.Add(Add{}, {x, x});
  const ValueId right = b.Add(Add{}, {x, x});
  b.Add(Add{}, {left, right});
  const Graph graph = *std::move(b).Finish();
  EXPECT_EQ(PlanBarriers(graph, PlanArena(graph, kLimits), kLimits), (std::vector<bool>{false, false, true}));
}

}  // namespace
}  // namespace engine
