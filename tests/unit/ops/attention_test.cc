// paged_attention's reference against softmax in double, and what its order of operations promises.
#include <cmath>
#include <limits>

#include "conformance/test_data.h"
#include "core/base/bf16.h"
#include "core/kv/cache_spec.h"
#include "gmock/gmock.h"
#include "ops/kv_layout.h"
#include "ops/kv_write.h"
#include "ops/paged_attention.h"
#include "tests/unit/ops/reference_run.h"

namespace engine {
namespace {

constexpr int kHeads = 2;
constexpr int kHeadDim = 16;

struct History {
  std::vector<float> q, k, v;  // rows of all positions
};

History RandomHistory(int tokens) {
  TestData data(tokens);
  const int64_t q = int64_t{tokens} * kHeads * kHeadDim;
  const int64_t kv = int64_t{tokens} * kHeadDim;
  return {data.Floats(q, Values::kNormal), data.Floats(kv, Values::kNormal), data.Floats(kv, Values::kNormal)};
}

OwnedTensor InKvDType(DType dtype, Shape shape, const std::vector<float>& values) {
  if (dtype == DType::kF32) return Floats(shape, values);
  std::vector<uint16_t> bits;
  for (const float value : values) bits.push_back(F32ToBf16(value));
  return Make(TensorSpec{dtype, shape}, bits);
}

std::vector<float> Slice(const std::vector<float>& rows, int64_t columns, int64_t begin, int64_t end) {
  return {rows.begin() + begin * columns, rows.begin() + end * columns};
}

// The last `query` positions of `context`, after kv_write has stored the whole history in a cache full of NaN.
std::vector<float> Attend(const History& history, DType dtype, int context, int query, int window = 0) {
  const int blocks = static_cast<int>((context + kKvBlockTokens - 1) / kKvBlockTokens);
  std::vector<int32_t> slots(context), table(blocks);
  for (int b = 0; b < blocks; ++b) table[b] = blocks - 1 - b;
  for (int p = 0; p < context; ++p) slots[p] = static_cast<int32_t>(table[p / 32] * kKvBlockTokens + p % 32);

  OwnedTensor cache = {KvCacheSpec(dtype, 1, kHeadDim), {}};
  cache.data.assign(WholeSpans(blocks) * cache.spec.row_bytes(), std::byte{0xff});
  std::vector<OwnedTensor> write = {
      InKvDType(KvOperandDType(dtype), {kTokens, kHeadDim}, Slice(history.k, kHeadDim, 0, context)),
      Floats({kTokens, kHeadDim}, Slice(history.v, kHeadDim, 0, context)), Integers({kTokens}, slots), cache};
  const KvWrite kv_write = {.kv_heads = 1, .head_dim = kHeadDim};
  RunReference(OpRef(SchemaOf(kv_write), kv_write), write, {.tokens = context});

  const int64_t columns = kHeads * kHeadDim;
  const PagedAttention attention = {
      .heads = kHeads, .kv_heads = 1, .head_dim = kHeadDim, .scale = 0.25f, .window = window};
  const auto out = RunReference(
      attention,
      {InKvDType(KvOperandDType(dtype), {kTokens, columns}, Slice(history.q, columns, context - query, context)),
       write[3], Integers({kSequences, blocks}, table), Integers({kSequences}, {0}), Integers({kSequences}, {query}),
       Integers({kSequences}, {context})},
      {.tokens = query, .sequences = 1});
  return out[0].as<float>();
}

// Softmax attention of one position and head in double.
std::vector<double> Exact(const History& history, int head, int position, int window) {
  const int first = window == 0 ? 0 : std::max(0, position - window + 1);
  std::vector<double> out(kHeadDim, 0.0);
  double total = 0;
  for (int p = first; p <= position; ++p) {
    double score = 0;
    for (int i = 0; i < kHeadDim; ++i) {
      score += double{history.q[(position * kHeads + head) * kHeadDim + i]} * history.k[p * kHeadDim + i];
    }
    const double weight = std::exp(score * 0.25);
    total += weight;
    for (int i = 0; i < kHeadDim; ++i) out[i] += weight * history.v[p * kHeadDim + i];
  }
  for (double& value : out) value /= total;
  return out;
}

void ExpectCloseToExact(DType dtype, int window, double relative_error) {
  constexpr int kContext = 600;
  constexpr int kQuery = 5;
  const History history = RandomHistory(kContext);
  const std::vector<float> out = Attend(history, dtype, kContext, kQuery, window);
  for (int j = 0; j < kQuery; ++j) {
    for (int head = 0; head < kHeads; ++head) {
      const std::vector<double> want = Exact(history, head, kContext - kQuery + j, window);
      for (int i = 0; i < kHeadDim; ++i) {
        // Values are about 1, and so is what rounding of scores, weights and values may move an average of them by.
        EXPECT_NEAR(out[(j * kHeads + head) * kHeadDim + i], want[i], relative_error);
      }
    }
  }
}

// f32: scores of magnitude below 16 err by 16 products of eps / 2, their exponentials by as much relatively.
TEST(PagedAttentionReference, IsCloseToSoftmaxInDouble) {
  ExpectCloseToExact(DType::kF32, 0, 1e-5);
  ExpectCloseToExact(DType::kF32, 100, 1e-5);
}

// bf16: q, k, v and weights each err by 2^-9; scores of a few units turn that into a few times 2^-9 of a weight.
TEST(PagedAttentionReference, Bf16IsCloseToSoftmaxInDouble) {
  ExpectCloseToExact(DType::kBF16, 0, 8 * 0x1p-9);
  ExpectCloseToExact(DType::kBF16, 100, 8 * 0x1p-9);
}

// Roundings have standard deviations of scale / sqrt(12) = 0.005 (scales are about 2.2 / 127). Then a score, 0.25 times 32
// of them, has 0.007, V 0.005, and a weight, whose unit is the largest of about 12 times the mean, 12 / 255 / sqrt(12) =
// 0.014 of the mean: together 0.016 for one token, and 0.0025 for an average of 40, as many as count of 100 tokens with
// weights e^N(0, 1). 8 standard deviations.
TEST(PagedAttentionReference, Int8IsCloseToSoftmaxInDouble) {
  ExpectCloseToExact(DType::kI8, 0, 0.02);
  ExpectCloseToExact(DType::kI8, 100, 0.02);
}

// All weights are equal and one token alone has a V: out = V / tokens, as exactly as V's own scale.
TEST(PagedAttentionReference, Int8WeightsFoldTheScalesOfVIn) {
  History history = RandomHistory(200);
  std::fill(history.k.begin(), history.k.end(), 0.0f);
  std::fill(history.v.begin(), history.v.end(), 0.0f);
  std::fill(history.v.begin() + 40 * kHeadDim, history.v.begin() + 41 * kHeadDim, 127.0f);
  for (const float value : Attend(history, DType::kI8, 200, 1)) EXPECT_FLOAT_EQ(value, 127.0f / 200);
}

TEST(PagedAttentionReference, AnInfiniteValueMakesItsRowNanAndNoOther) {
  History history = RandomHistory(40);
  history.v[39 * kHeadDim + 3] = std::numeric_limits<float>::infinity();
  const std::vector<float> out = Attend(history, DType::kI8, 40, 2);
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(std::isnan(out[i]), i >= kHeads * kHeadDim) << i;
}

TEST(PagedAttentionReference, ATokenDoesNotDependOnTheChunkItCameIn) {
  const History history = RandomHistory(300);
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kI8}) {
    const std::vector<float> chunk = Attend(history, dtype, 300, 50);
    const std::vector<float> alone = Attend(history, dtype, 300, 1);
    const std::vector<float> last(chunk.end() - kHeads * kHeadDim, chunk.end());
    EXPECT_EQ(last, alone) << Name(dtype);
  }
}

TEST(PagedAttentionReference, TheFirstTokenSeesItself) {
  const History history = RandomHistory(1);
  const std::vector<float> out = Attend(history, DType::kF32, 1, 1);
  for (int i = 0; i < kHeadDim; ++i) EXPECT_EQ(out[i], history.v[i]);
}

TEST(KvLayout, EveryElementHasItsOwnPlace) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kI8}) {
    std::vector<int> seen_keys(32 * 20, 0), seen_values(32 * 20, 0);
    for (int token = 0; token < 32; ++token) {
      for (int dim = 0; dim < 20; ++dim) {
        ++seen_keys[KeyOffset(dtype, token, dim)];
        ++seen_values[ValueOffset(dtype, 20, token, dim)];
      }
    }
    EXPECT_THAT(seen_keys, testing::Each(1));
    EXPECT_THAT(seen_values, testing::Each(1));
  }
}

}  // namespace
}  // namespace engine
