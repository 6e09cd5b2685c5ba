#include "core/graph/lowering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/add_rms_norm.h"
#include "ops/gated_mlp.h"
#include "ops/linear.h"
#include "ops/quantise.h"
#include "ops/rms_norm.h"

namespace engine {
namespace {

using testing::ElementsAre;

constexpr int64_t kSize = 64;

std::vector<std::string> OpsOf(const Graph& graph) {
  std::vector<std::string> ops;
  for (const Node& node : graph.nodes) ops.emplace_back(node.op.name());
  return ops;
}

bool TakesAll(const OpRef&, std::span<const TensorSpec>, std::span<const TensorSpec>) { return true; }

// A norm and `readers` quantised linears of it.
Graph NormAndLinears(int readers, ValueKind norm_kind = ValueKind::kIntermediate) {
  GraphBuilder b;
  const ValueId x = b.StepInput("x", {DType::kF32, {kTokens, kSize}});
  const ValueId gain = b.Weight("gain", {DType::kF32, {kSize}});
  ValueId norm;
  if (norm_kind == ValueKind::kOutput) {
    norm = b.Output("norm", {DType::kF32, {kTokens, kSize}});
    b.AddInto(RmsNorm{}, {x, gain}, {norm});
  } else {
    norm = b.Add(RmsNorm{}, {x, gain});
  }
  for (int r = 0; r < readers; ++r) {
    const ValueId w = b.Weight("w", {DType::kQ4_0, {kSize, kSize}, kOpenLayout});
    b.Add(Linear{.input = InputFor(DType::kQ4_0)}, {norm, w});
  }
  return *std::move(b).Finish();
}

TEST(InsertConversions, OneConversionIsSharedByAllThatWantIt) {
  const auto graph = InsertConversions(NormAndLinears(3), Convert);
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_THAT(OpsOf(*graph), ElementsAre("rms_norm", "quantise", "linear", "linear", "linear"));
  for (int n = 2; n < 5; ++n) EXPECT_EQ(graph->nodes[n].in[0], graph->nodes[1].out[0]);
  EXPECT_EQ(graph->value(graph->nodes[1].out[0]).spec.dtype, DType::kQ8Group);
}

TEST(InsertConversions, NothingIsInsertedWhereTypesAgree) {
  const auto once = InsertConversions(NormAndLinears(2), Convert);
  EXPECT_EQ(OpsOf(*InsertConversions(*once, Convert)), OpsOf(*once));
}

TEST(FuseConversions, AProducerStoresTheConvertedFormWhereTheDeviceCan) {
  const auto graph = FuseConversions(*InsertConversions(NormAndLinears(2), Convert), Convert, TakesAll);
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_THAT(OpsOf(*graph), ElementsAre("rms_norm", "linear", "linear"));
  EXPECT_EQ(graph->nodes[0].out[0], graph->nodes[1].in[0]);
  EXPECT_EQ(graph->value(graph->nodes[0].out[0]).spec.dtype, DType::kQ8Group);
}

TEST(FuseConversions, TheConversionStaysWhereTheDeviceCannot) {
  const Graph converted = *InsertConversions(NormAndLinears(2), Convert);
  const auto none = [](const OpRef&, std::span<const TensorSpec>, std::span<const TensorSpec>) { return false; };
  EXPECT_EQ(OpsOf(*FuseConversions(converted, Convert, none)), OpsOf(converted));
}

TEST(FuseConversions, AValueThatSomeoneElseReadsIsKept) {
  GraphBuilder b(*InsertConversions(NormAndLinears(1), Convert));
  Graph graph = *std::move(b).Finish();
  const ValueId norm = graph.nodes[0].out[0];
  GraphBuilder more(std::move(graph));
  more.Add(RmsNorm{}, {norm, 1});
  graph = *std::move(more).Finish();
  EXPECT_EQ(OpsOf(*FuseConversions(graph, Convert, TakesAll)), OpsOf(graph));
}

TEST(FuseConversions, AValueThatTheHostReadsIsKept) {
  const Graph converted = *InsertConversions(NormAndLinears(1, ValueKind::kOutput), Convert);
  EXPECT_EQ(OpsOf(*FuseConversions(converted, Convert, TakesAll)), OpsOf(converted));
}

TEST(Decompose, AFusedOpIsReplacedByItsPartsAndItsReadersReadTheirs) {
  GraphBuilder b;
  const ValueId x = b.StepInput("x", {DType::kF32, {kTokens, kSize}});
  const ValueId gate = b.Weight("gate", {DType::kF32, {kSize, kSize}, kOpenLayout});
  const ValueId up = b.Weight("up", {DType::kF32, {kSize, kSize}, kOpenLayout});
  const ValueId product = b.Add(GatedMlp{.input = InputFor(DType::kF32)}, {x, gate, up});
  b.Add(Linear{.input = InputFor(DType::kF32)}, {product, gate});
  const Graph graph = *std::move(b).Finish();

  const auto parts = Decompose(graph, [](const Graph&, const Node& node) { return node.op.name() != "gated_mlp"; });
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_THAT(OpsOf(*parts), ElementsAre("linear", "linear", "silu_mul", "linear"));
  EXPECT_EQ(parts->nodes[2].out[0], parts->nodes[3].in[0]);

  const auto whole = Decompose(graph, [](const Graph&, const Node&) { return true; });
  EXPECT_EQ(OpsOf(*whole), OpsOf(graph));
}

TEST(Decompose, WhatWritesAKeptValueStillDoes) {
  GraphBuilder b;
  const ValueId x = b.StepInput("x", {DType::kF32, {kTokens, kSize}});
  const ValueId gain = b.Weight("gain", {DType::kF32, {kSize}});
  const ValueId sum = b.Output("sum", {DType::kF32, {kTokens, kSize}});
  const ValueId norm = b.Output("norm", {DType::kF32, {kTokens, kSize}});
  b.AddInto(AddRmsNorm{}, {x, x, gain}, {sum, norm});
  const auto parts = Decompose(*std::move(b).Finish(), [](const Graph&, const Node&) { return false; });
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_THAT(OpsOf(*parts), ElementsAre("add", "rms_norm"));
  EXPECT_THAT(parts->nodes[0].out, ElementsAre(sum));
  EXPECT_THAT(parts->nodes[1].in, ElementsAre(sum, gain));
  EXPECT_THAT(parts->nodes[1].out, ElementsAre(norm));
}

}  // namespace
}  // namespace engine
