// A fused op and the ops it decomposes into give the same bits.
#include "conformance/rope_inputs.h"
#include "conformance/test_data.h"
#include "gmock/gmock.h"
#include "ops/add_rms_norm.h"
#include "ops/gated_mlp.h"
#include "ops/qk_norm_rope.h"
#include "tests/unit/ops/reference_run.h"

namespace engine {
namespace {

constexpr StepExtents kExtents = {.tokens = kRopeTokens};

OwnedTensor Owned(const CaseInput& input) { return {input.spec, input.data}; }

template <typename Attributes>
void ExpectSameBits(const Attributes& attributes, std::vector<OwnedTensor> in) {
  const OpRef op(SchemaOf(attributes), attributes);
  const std::vector<OwnedTensor> parts = RunDecomposition(op, in, kExtents);
  const std::vector<OwnedTensor> fused = RunReference(op, in, kExtents);
  ASSERT_EQ(parts.size(), fused.size());
  for (size_t o = 0; o < fused.size(); ++o) {
    EXPECT_EQ(parts[o].spec, fused[o].spec) << op.to_string();
    EXPECT_EQ(parts[o].data, fused[o].data) << op.to_string();
  }
}

TEST(Decompose, AddRmsNormIsAddThenRmsNorm) {
  for (const DType out : {DType::kF32, DType::kBF16, DType::kQ8Group}) {
    TestData data(1);
    const auto rows = [&] { return Owned(data.Rows(DType::kF32, kTokens, kExtents.tokens, 96, Values::kOutliers)); };
    ExpectSameBits(AddRmsNorm{.epsilon = 1e-5f, .out = out}, {rows(), rows(), Owned(data.Vector(96))});
  }
}

TEST(Decompose, GatedMlpIsTwoLinearsAndTheirProduct) {
  for (const DType weight : {DType::kQ4_1, DType::kBF16, DType::kF16}) {
    TestData data(2);
    const GatedMlp mlp = {.input = InputFor(weight), .activation = Activation::kGeluTanh, .out = DType::kQ8Group};
    ExpectSameBits(mlp, {Owned(data.Rows(InputDType(mlp.input), kTokens, kExtents.tokens, 64, Values::kNormal)),
                         Owned(data.Weight(weight, 32, 64)), Owned(data.Weight(weight, 32, 64))});
  }
}

TEST(Decompose, QkNormRopeIsHeadRmsNormThenRope) {
  TestData data(3);
  std::vector<OwnedTensor> in;
  for (const CaseInput& input : RopeInputs(data, 3, 40, 24)) in.push_back(Owned(input));
  in.push_back(Owned(data.Vector(40)));
  ExpectSameBits(QkNormRope{.heads = 3, .head_dim = 40, .rotary_dim = 24}, in);
}

}  // namespace
}  // namespace engine
