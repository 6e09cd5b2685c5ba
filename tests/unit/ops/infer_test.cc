// What inference accepts, and what its errors say.
#include "gmock/gmock.h"
#include "ops/add.h"
#include "ops/add_rms_norm.h"
#include "ops/embedding.h"
#include "ops/gated_mlp.h"
#include "ops/gather_rows.h"
#include "ops/head_rms_norm.h"
#include "ops/kv_layout.h"
#include "ops/kv_write.h"
#include "ops/linear.h"
#include "ops/paged_attention.h"
#include "ops/qk_norm_rope.h"
#include "ops/quantise.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/sample.h"
#include "ops/silu_mul.h"

namespace engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <typename Attributes>
absl::StatusOr<std::vector<TensorSpec>> Infer(const Attributes& attributes, const std::vector<TensorSpec>& in) {
  const OpRef op(SchemaOf(attributes), attributes);
  return op.schema().infer(op, in);
}

template <typename Attributes>
std::string ErrorOf(const Attributes& attributes, const std::vector<TensorSpec>& in) {
  return std::string(Message(Infer(attributes, in).status()));
}

TensorSpec F32(Shape shape) { return {DType::kF32, shape}; }
TensorSpec I32(Shape shape) { return {DType::kI32, shape}; }

TEST(InferRmsNorm, StoresItsOutputAsAsked) {
  const auto out = Infer(RmsNorm{.out = DType::kQ8Group}, {F32({kTokens, 64}), F32({64})});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(*out, ElementsAre(TensorSpec{DType::kQ8Group, {kTokens, 64}}));
}

TEST(InferRmsNorm, NamesTheWeightOfTheWrongWidth) {
  EXPECT_EQ(ErrorOf(RmsNorm{}, {F32({kTokens, 64}), F32({65})}), "weight is f32[65]; it must be f32[64]");
}

TEST(InferRmsNorm, RefusesRowsThatQ8GroupsDoNotDivide) {
  EXPECT_EQ(ErrorOf(RmsNorm{.out = DType::kQ8Group}, {F32({kTokens, 40}), F32({40})}),
            "its output has 40 columns; q8_group needs a multiple of 32");
}

TEST(InferRmsNorm, CountsItsInputs) {
  EXPECT_EQ(ErrorOf(RmsNorm{}, {F32({kTokens, 64})}), "got 1 inputs; it takes 2: x, weight");
}

TEST(InferAdd, WantsTwoOfAKind) {
  EXPECT_EQ(ErrorOf(Add{}, {F32({kTokens, 64}), F32({kSampled, 64})}),
            "b is f32[sampled, 64]; it must be f32[tokens, 64]");
}

TEST(InferAddRmsNorm, GivesTheSumAndTheNormalisedRow) {
  const auto out = Infer(AddRmsNorm{.out = DType::kBF16}, {F32({kTokens, 5}), F32({kTokens, 5}), F32({5})});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(*out, ElementsAre(F32({kTokens, 5}), TensorSpec{DType::kBF16, {kTokens, 5}}));
}

TEST(InferQuantise, RefusesOtherDTypes) {
  EXPECT_THAT(ErrorOf(Quantise{.to = DType::kF16}, {F32({kTokens, 64})}), HasSubstr("cannot store its output as f16"));
}

TEST(InferLinear, TakesF32BeforeLoweringAndItsOwnInputAfter) {
  const TensorSpec weight = {DType::kQ4_0, {96, 64}, kOpenLayout};
  for (const DType x : {DType::kF32, DType::kQ8Group}) {
    const auto out = Infer(Linear{.input = LinearInput::kQ8Group}, {{x, {kSampled, 64}}, weight});
    ASSERT_TRUE(out.ok()) << out.status();
    EXPECT_THAT(*out, ElementsAre(F32({kSampled, 96})));
  }
}

TEST(InferLinear, SaysWhichWeightsGoWithItsInput) {
  EXPECT_EQ(ErrorOf(Linear{.input = LinearInput::kQ8Group}, {F32({kTokens, 64}), {DType::kBF16, {96, 64}}}),
            "w is bf16[96, 64]; with q8_group input it must be block-quantised");
  EXPECT_EQ(ErrorOf(Linear{.input = LinearInput::kF32}, {F32({kTokens, 64}), {DType::kI32, {96, 64}}}),
            "w is i32[96, 64]; with f32 input it must be f32 or f16");
}

TEST(InferLinear, SaysTheRowLengthThatTheInputNeeds) {
  EXPECT_EQ(ErrorOf(Linear{}, {F32({kTokens, 64}), F32({96, 32})}), "w is f32[96, 32]; it must be a matrix [n, 64]");
}

TEST(InferLinear, SaysThatABlockMustDivideTheRow) {
  EXPECT_EQ(ErrorOf(Linear{.input = LinearInput::kQ8Group}, {F32({kTokens, 64}), {DType::kQ4_K, {96, 64}}}),
            "w is q4_k[96, 64]; its rows must be a multiple of the 256 values of a block");
}

TEST(InferLinear, ChecksTheBias) {
  EXPECT_EQ(ErrorOf(Linear{.bias = true}, {F32({kTokens, 64}), F32({96, 64}), F32({64})}),
            "bias is f32[64]; it must be f32[96]");
}

TEST(InferGatedMlp, WantsTwoWeightsOfOneKind) {
  EXPECT_EQ(ErrorOf(GatedMlp{}, {F32({kTokens, 64}), F32({96, 64}), F32({80, 64})}),
            "gate is f32[96, 64] and up is f32[80, 64]; they must have one dtype and shape");
}

TEST(InferSiluMul, ChecksUp) {
  EXPECT_THAT(ErrorOf(SiluMul{}, {F32({kTokens, 64}), F32({kTokens, 32})}), HasSubstr("up is f32[tokens, 32]"));
}

TEST(InferEmbedding, GivesOneRowPerToken) {
  const auto out = Infer(Embedding{}, {I32({kTokens}), {DType::kQ4_1, {1000, 96}, kOpenLayout}, I32({kSampled})});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(*out, ElementsAre(F32({kTokens, 96})));
}

TEST(InferHeadRmsNorm, WantsWholeHeads) {
  EXPECT_EQ(ErrorOf(HeadRmsNorm{.heads = 3, .head_dim = 64}, {F32({kTokens, 128}), F32({64})}),
            "x is f32[tokens, 128]; it must be f32[rows, 192], row-major");
}

TEST(InferRope, RefusesAnOddRotaryDim) {
  const Rope rope = {.heads = 1, .head_dim = 64, .rotary_dim = 33};
  EXPECT_EQ(ErrorOf(rope, {F32({kTokens, 64}), I32({kTokens}), F32({10, 33})}),
            "rotary_dim is 33; it must be even and at most head_dim (64)");
}

TEST(InferRope, RefusesATableOfAnotherWidth) {
  const Rope rope = {.heads = 1, .head_dim = 64, .rotary_dim = 32};
  EXPECT_THAT(ErrorOf(rope, {F32({kTokens, 64}), I32({kTokens}), F32({10, 64})}), HasSubstr("table is f32[10, 64]"));
}

TEST(InferQkNormRope, ChecksTheWeight) {
  const QkNormRope op = {.heads = 1, .head_dim = 64, .rotary_dim = 64};
  EXPECT_THAT(ErrorOf(op, {F32({kTokens, 64}), I32({kTokens}), F32({10, 64}), F32({32})}),
              HasSubstr("weight is f32[32]; it must be f32[64]"));
}

TEST(InferKvWrite, WantsKeysInTheDTypeOfTheCache) {
  const TensorSpec cache = KvCacheSpec(DType::kBF16, 2, 64);
  EXPECT_EQ(ErrorOf(KvWrite{2, 64}, {F32({kTokens, 128}), F32({kTokens, 128}), I32({kTokens}), cache}),
            "k is f32[tokens, 128]; it must be bf16[rows, 128], row-major");
}

TEST(InferKvWrite, WritesInPlace) {
  const TensorSpec k = {DType::kBF16, {kTokens, 128}};
  const auto out = Infer(KvWrite{2, 64}, {k, F32({kTokens, 128}), I32({kTokens}), KvCacheSpec(DType::kBF16, 2, 64)});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_TRUE(out->empty());
  EXPECT_EQ(SchemaOf(KvWrite{}).mutated_input, 3);
}

std::vector<TensorSpec> AttentionInputs(DType dtype, const TensorSpec& cache) {
  const TensorSpec sequences = I32({kSequences});
  return {{dtype, {kTokens, 4 * 64}}, cache, I32({kSequences, 9}), sequences, sequences, sequences};
}

TEST(InferPagedAttention, GivesF32Rows) {
  const PagedAttention op = {.heads = 4, .kv_heads = 2, .head_dim = 64};
  const auto out = Infer(op, AttentionInputs(DType::kBF16, KvCacheSpec(DType::kBF16, 2, 64)));
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(*out, ElementsAre(F32({kTokens, 256})));
}

TEST(InferPagedAttention, StoresWhatItIsToldTo) {
  const PagedAttention op = {.heads = 4, .kv_heads = 2, .head_dim = 64, .out = DType::kQ8Group};
  const auto out = Infer(op, AttentionInputs(DType::kBF16, KvCacheSpec(DType::kBF16, 2, 64)));
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(*out, ElementsAre(TensorSpec{DType::kQ8Group, {kTokens, 256}}));
}

TEST(InferPagedAttention, RefusesAWidthThatIsNoWholeNumberOfGroups) {
  const PagedAttention op = {.heads = 1, .kv_heads = 1, .head_dim = 80, .out = DType::kQ8Group};
  std::vector<TensorSpec> in = AttentionInputs(DType::kBF16, KvCacheSpec(DType::kBF16, 1, 80));
  in[0].shape = {kTokens, 80};
  EXPECT_EQ(ErrorOf(op, in), "its output has 80 columns; q8_group needs a multiple of 32");
}

TEST(InferPagedAttention, WantsEqualGroupsOfHeads) {
  const PagedAttention op = {.heads = 4, .kv_heads = 3, .head_dim = 64};
  EXPECT_EQ(ErrorOf(op, AttentionInputs(DType::kBF16, KvCacheSpec(DType::kBF16, 3, 64))),
            "heads is 4; it must be a multiple of kv_heads (3)");
}

TEST(InferPagedAttention, RefusesACacheOfAnotherDType) {
  const PagedAttention op = {.heads = 4, .kv_heads = 2, .head_dim = 64};
  EXPECT_EQ(ErrorOf(op, AttentionInputs(DType::kF16, KvCacheSpec(DType::kF16, 2, 64))),
            "cache is f16; a KV cache holds f32, bf16 or int8");
}

TEST(InferGatherRows, TakesItsRowsFromTheIndex) {
  const auto out = Infer(GatherRows{}, {F32({kTokens, 64}), I32({kSampled})});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(*out, ElementsAre(F32({kSampled, 64})));
}

TEST(InferSample, RefusesAVocabularyWiderThanTheLogits) {
  const TensorSpec rows = {DType::kU8, {kSampled, sizeof(SamplingRow)}};
  const TensorSpec adjustments = {DType::kU8, {8, sizeof(TokenAdjustment)}};
  const TensorSpec masks = {DType::kU8, {kSampled, 16}};
  EXPECT_EQ(ErrorOf(Sample{.vocab = 101}, {F32({kSampled, 100}), rows, adjustments, masks}),
            "vocab is 101; it must be 1 to the 100 columns of the logits");
}

TEST(Lowering, LinearsAskForTheirInput) {
  const Linear q8 = {.input = LinearInput::kQ8Group};
  const OpRef op(SchemaOf(q8), q8);
  EXPECT_EQ(op.schema().input_dtype(op, 0), DType::kQ8Group);
  EXPECT_EQ(op.schema().input_dtype(op, 1), std::nullopt);
  const OpRef native(SchemaOf(q8), Linear{.input = LinearInput::kF32});
  EXPECT_EQ(native.schema().input_dtype(native, 0), std::nullopt);
}

TEST(Lowering, OnlyTheNormalisedRowTakesAConversion) {
  const OpRef op(SchemaOf(AddRmsNorm{}), AddRmsNorm{.epsilon = 0.5f});
  EXPECT_FALSE(op.schema().with_output_dtype(op, 0, DType::kQ8Group).has_value());
  const auto fused = op.schema().with_output_dtype(op, 1, DType::kQ8Group);
  ASSERT_TRUE(fused.has_value());
  EXPECT_EQ(fused->to_string(), "add_rms_norm{epsilon=0.5, out=q8_group}");
}

}  // namespace
}  // namespace engine
