#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "conformance/cases.h"
#include "conformance/test_data.h"
#include "core/base/bf16.h"
#include "core/kv/cache_spec.h"
#include "ops/kv_layout.h"
#include "ops/paged_attention.h"

namespace engine {
namespace {

struct SequenceCase {
  int context;  // new tokens included
  int query;
};

struct AttentionCase {
  std::string name;
  PagedAttention attention;
  DType dtype = DType::kBF16;
  std::vector<SequenceCase> sequences;  // those with one new token first
  Values values = Values::kNormal;
  bool beside_huge = false;
};

// With beside_huge, what no query sees holds the largest finite bf16, and V is small: a unit that let the product of a weight
// of 0 with it have a say in how products are aligned would lose all others.
constexpr auto kHugeByte = std::byte{0x7f};  // twice in it
constexpr float kHuge = Bf16ToF32(0x7f7f);
constexpr float kBesideHuge = 0x1p-40f;

int64_t BlocksOf(int64_t tokens) { return (tokens + kKvBlockTokens - 1) / kKvBlockTokens; }

// The first position that any of the sequence's queries sees.
int64_t FirstVisible(const AttentionCase& c, const SequenceCase& sequence) {
  if (c.attention.window == 0) return 0;
  return std::max(0, sequence.context - sequence.query - c.attention.window + 1);
}

// Block ids in shuffled order, -1 for blocks that no query sees and behind the end.
std::vector<int32_t> BlockTable(const AttentionCase& c, int64_t max_blocks, std::mt19937& random) {
  std::vector<int32_t> ids(c.sequences.size() * max_blocks);
  std::iota(ids.begin(), ids.end(), 0);
  std::shuffle(ids.begin(), ids.end(), random);
  for (size_t s = 0; s < c.sequences.size(); ++s) {
    const int64_t first = FirstVisible(c, c.sequences[s]) / kKvBlockTokens;
    const int64_t end = BlocksOf(c.sequences[s].context);
    for (int64_t b = 0; b < max_blocks; ++b) {
      if (b < first || b >= end) ids[s * max_blocks + b] = -1;
    }
  }
  return ids;
}

void SetElement(std::byte* part, DType dtype, int64_t offset, float value) {
  if (dtype == DType::kI8) {
    // Normal numbers fill the range of int8, its ends included.
    reinterpret_cast<int8_t*>(part)[offset] =
        static_cast<int8_t>(std::clamp(std::nearbyint(50 * value), -127.0f, 127.0f));
  } else if (dtype == DType::kBF16) {
    reinterpret_cast<uint16_t*>(part)[offset] = F32ToBf16(value);
  } else {
    reinterpret_cast<float*>(part)[offset] = value;
  }
}

void SetScale(std::byte* part, int64_t head_dim, int64_t token, float scale) {
  reinterpret_cast<float*>(part + KvScalesOffset(head_dim))[token] = scale;
}

// K and V of every visible position; everything else is NaN (or huge), or -1 with the scale NaN, as a sequence of which a value
// was not finite leaves it, which must not reach any result.
CaseInput Cache(const AttentionCase& c, const std::vector<int32_t>& table, int64_t max_blocks, TestData& data) {
  const PagedAttention& a = c.attention;
  CaseInput cache = {.spec = KvCacheSpec(c.dtype, a.kv_heads, a.head_dim), .data = {}};
  cache.data.assign(WholeSpans(std::ssize(table)) * cache.spec.row_bytes(),
                    c.beside_huge ? kHugeByte : std::byte{0xff});
  const float value_unit = c.beside_huge ? kBesideHuge : 1.0f;
  const int64_t element = RowBytes(c.dtype, 1);
  for (size_t part = 0; c.dtype == DType::kI8 && part < cache.data.size();
       part += KvPartElements(c.dtype, a.head_dim)) {
    for (int64_t t = 0; t < kKvBlockTokens; ++t) SetScale(&cache.data[part], a.head_dim, t, std::nanf(""));
  }
  for (size_t s = 0; s < c.sequences.size(); ++s) {
    for (int64_t p = FirstVisible(c, c.sequences[s]); p < c.sequences[s].context; ++p) {
      const int64_t block = table[s * max_blocks + p / kKvBlockTokens];
      const int64_t token = p % kKvBlockTokens;
      for (int head = 0; head < a.kv_heads; ++head) {
        std::byte* keys = cache.data.data() + KvHeadOffset(c.dtype, block, head, a.kv_heads, a.head_dim) * element;
        std::byte* values = keys + KvValuesOffset(c.dtype, a.head_dim) * element;
        if (c.dtype == DType::kI8) {
          SetScale(keys, a.head_dim, token, std::fabs(data.Number(c.values)) / 50);
          SetScale(values, a.head_dim, token, std::fabs(data.Number(c.values)) / 50);
        }
        for (int i = 0; i < a.head_dim; ++i) {
          SetElement(keys, c.dtype, KeyOffset(c.dtype, token, i), data.Number(c.values));
          SetElement(values, c.dtype, ValueOffset(c.dtype, a.head_dim, token, i),
                     value_unit * data.Number(Values::kNormal));
        }
      }
    }
  }
  return cache;
}

// The largest |V| of a visible position.
double LargestValue(const AttentionCase& c, const CaseInput& cache) {
  const PagedAttention& a = c.attention;
  const int64_t parts = std::ssize(cache.data) / RowBytes(c.dtype, KvPartElements(c.dtype, a.head_dim));
  double largest = 0;
  for (int64_t part = 0; part < parts; ++part) {
    for (int64_t i = 0; i < kKvBlockTokens * a.head_dim; ++i) {
      const int64_t at = part * KvPartElements(c.dtype, a.head_dim) + i;
      const float value = c.dtype == DType::kBF16 ? Bf16ToF32(reinterpret_cast<const uint16_t*>(cache.data.data())[at])
                                                  : reinterpret_cast<const float*>(cache.data.data())[at];
      if (part / kSpanBlocks % 2 == 1 && std::fabs(value) < kHuge) largest = std::max<double>(largest, std::abs(value));
    }
  }
  return largest;
}

// The largest of numbers of bf16 that are finite and not huge.
double LargestBf16(const std::vector<std::byte>& data) {
  double largest = 0;
  for (size_t i = 0; i + 1 < data.size(); i += 2) {
    uint16_t bits = 0;
    std::memcpy(&bits, &data[i], sizeof(bits));
    const double value = std::fabs(Bf16ToF32(bits));
    if (value < kHuge) largest = std::max(largest, value);
  }
  return largest;
}

// y is the mean of V, weighted with p = exp(s - m) / sum. Another m makes each p err by what rounding s - m does
// (|s - m| < 88 where p is not 0, so 88 eps) and a few eps of exp itself, 4 where it is FastExp2; rounding p to bf16 for
// V, but not in the sum, by 2^-8 in either order; and another order of the terms of s by a few units in their last place,
// of which 2^-20 is more than enough. Sums of n terms err by n / 2 eps, numerator and denominator each. Sums that shrink
// when a block of 32 tokens brings a larger m err by 5 eps of each factor, those of merged partitions of 256 by less, which
// n / 2 eps has room for; and m itself, rounded for each of a partition's 8 blocks and thrice for the merge, makes factors
// err by 11 units of 2^-24 of a score: another 2^-20.
ErrorBound BoundOf(const AttentionCase& c, const CaseInput& queries, const CaseInput& cache, int max_context) {
  if (c.dtype == DType::kI8) return nullptr;
  constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
  double relative = (2 * max_context + 2 * 100) * kEpsilon;
  if (c.dtype == DType::kBF16) {
    const double score = c.attention.scale * c.attention.head_dim * LargestBf16(queries.data) * LargestBf16(cache.data);
    relative += 2 * 0x1p-8 + 2 * 0x1p-19 * score;
  }
  const double bound = LargestValue(c, cache) * (1.01 * relative + max_context * std::numeric_limits<float>::min());
  // bf16: both are rounded, by 2^-8 each. What q8_group rounds, the comparison adds.
  const double stored = c.attention.out == DType::kBF16 ? 0x1p-7 : 0;
  return [=](int64_t, int64_t, float reference) { return bound + stored * (std::abs(reference) + bound); };
}

// Extents of the first `count` sequences.
StepExtents ExtentsOf(const AttentionCase& c, size_t count) {
  StepExtents extents = {.sequences = static_cast<int>(count)};
  for (size_t s = 0; s < count; ++s) {
    const SequenceCase& sequence = c.sequences[s];
    extents.tokens += sequence.query;
    if (sequence.query == 1 && extents.decode_sequences == static_cast<int>(s)) ++extents.decode_sequences;
    extents.max_query = std::max(extents.max_query, sequence.query);
    extents.max_context = std::max(extents.max_context, sequence.context);
  }
  return extents;
}

OpCase Make(const AttentionCase& c) {
  TestData data(c.attention.head_dim + c.attention.window);
  std::mt19937 random(7);
  std::vector<int32_t> query_start, query_length, context_length;
  int max_context = 1;
  for (const SequenceCase& sequence : c.sequences) {
    query_start.push_back(query_start.empty() ? 0 : query_start.back() + query_length.back());
    query_length.push_back(sequence.query);
    context_length.push_back(sequence.context);
    max_context = std::max(max_context, sequence.context);
  }
  const int64_t max_blocks = BlocksOf(max_context) + 1;
  const std::vector<int32_t> table = BlockTable(c, max_blocks, random);
  const StepExtents largest = ExtentsOf(c, c.sequences.size());
  OpCase op_case = {.name = c.name,
                    .op = OpRef(SchemaOf(c.attention), c.attention),
                    .in = {data.Rows(KvOperandDType(c.dtype), kTokens, largest.tokens,
                                     int64_t{c.attention.heads} * c.attention.head_dim, c.values),
                           Cache(c, table, max_blocks, data),
                           {.spec = {DType::kI32, {kSequences, max_blocks}}, .data = BytesOf(table)},
                           IntegerInput(kSequences, query_start),
                           IntegerInput(kSequences, query_length),
                           IntegerInput(kSequences, context_length)},
                    .largest = largest,
                    .rows_alone = false,
                    .gpus_decline = c.attention.out != DType::kF32};
  op_case.bound = BoundOf(c, op_case.in[0], op_case.in[1], max_context);
  for (size_t count = 0; count < c.sequences.size(); ++count) op_case.steps.push_back(ExtentsOf(c, count));
  return op_case;
}

PagedAttention Heads(int heads, int kv_heads, int head_dim, int window = 0) {
  return {.heads = heads, .kv_heads = kv_heads, .head_dim = head_dim, .scale = 0.125f, .window = window};
}

PagedAttention Storing(DType out, PagedAttention attention) {
  attention.out = out;
  return attention;
}

}  // namespace

// Contexts of one token, around a block (32) and around a partition (256); queries of one token, and prefill chunks that
// start inside a block and cross a partition.
std::vector<NamedCase> PagedAttentionCases() {
  const std::vector<SequenceCase> decode = {{1, 1}, {2, 1}, {31, 1}, {33, 1}, {257, 1}, {300, 1}};
  const std::vector<SequenceCase> mixed = {{40, 1}, {256, 1}, {5, 5}, {33, 33}, {270, 20}, {300, 3}};
  const std::vector<SequenceCase> in_one_partition = {{40, 1}, {256, 1}, {5, 5}, {33, 33}, {250, 20}, {256, 3}};
  std::vector<SequenceCase> many(17, {3, 1});
  many.back() = {300, 70};
  const std::vector<AttentionCase> cases = {
      {"bf16_one_partition", Heads(4, 2, 64), DType::kBF16, in_one_partition},
      {"bf16_one_partition_window", Heads(4, 2, 64, 40), DType::kBF16, in_one_partition},
      {"bf16_one_partition_head128", Heads(4, 1, 128), DType::kBF16, {{250, 1}, {40, 17}}},
      {"bf16_many", Heads(4, 4, 64), DType::kBF16, many},
      {"bf16_decode", Heads(9, 3, 64), DType::kBF16, decode},
      {"bf16_mixed", Heads(4, 2, 64), DType::kBF16, mixed},
      {"bf16_head128", Heads(4, 1, 128), DType::kBF16, {{290, 1}, {40, 17}}},
      {"bf16_head80", Heads(2, 2, 80), DType::kBF16, {{65, 1}, {70, 7}}},
      {"bf16_ragged_head", Heads(2, 1, 18), DType::kBF16, {{50, 1}, {64, 33}}},
      {"bf16_long", Heads(1, 1, 64), DType::kBF16, {{1100, 1}, {520, 2}}},
      {"bf16_window", Heads(4, 2, 64, 40), DType::kBF16, mixed},
      {"bf16_window_of_one", Heads(2, 1, 32, 1), DType::kBF16, {{70, 1}, {40, 8}}},
      {"bf16_window_odd", Heads(2, 1, 64, 301), DType::kBF16, {{600, 1}, {602, 3}}},
      {"bf16_sharp", Heads(2, 2, 64), DType::kBF16, {{280, 1}, {60, 9}}, Values::kOutliers},
      {"bf16_tiny", Heads(2, 2, 64), DType::kBF16, {{50, 1}, {60, 9}}, Values::kTiny},
      {"bf16_beside_huge", Heads(4, 2, 64, 40), DType::kBF16, mixed, Values::kNormal, true},
      {"bf16_beside_huge_head128", Heads(4, 1, 128), DType::kBF16, {{290, 1}, {40, 17}}, Values::kNormal, true},
      {"bf16_to_q8_group", Storing(DType::kQ8Group, Heads(4, 2, 64)), DType::kBF16, mixed},
      {"bf16_to_bf16", Storing(DType::kBF16, Heads(9, 3, 64)), DType::kBF16, decode},
      {"bf16_head80_to_bf16", Storing(DType::kBF16, Heads(2, 2, 80)), DType::kBF16, {{65, 1}, {70, 7}}},
      {"int8_to_q8_group", Storing(DType::kQ8Group, Heads(4, 1, 32)), DType::kI8, mixed},
      {"int8_decode", Heads(9, 3, 64), DType::kI8, decode},
      {"int8_mixed", Heads(4, 2, 64), DType::kI8, mixed},
      {"int8_head128", Heads(4, 1, 128), DType::kI8, {{290, 1}, {40, 17}}},
      {"int8_head80", Heads(2, 2, 80), DType::kI8, {{65, 1}, {70, 7}}},
      {"int8_ragged_head", Heads(2, 1, 20), DType::kI8, {{50, 1}, {64, 33}}},
      {"int8_long", Heads(1, 1, 64), DType::kI8, {{1100, 1}, {520, 2}}},
      {"int8_window", Heads(4, 2, 64, 40), DType::kI8, mixed},
      {"int8_window_of_one", Heads(2, 1, 32, 1), DType::kI8, {{70, 1}, {40, 8}}},
      {"int8_window_odd", Heads(2, 1, 64, 301), DType::kI8, {{600, 1}, {602, 3}}},
      {"int8_sharp", Heads(2, 2, 64), DType::kI8, {{280, 1}, {60, 9}}, Values::kOutliers},
      {"int8_tiny", Heads(2, 2, 64), DType::kI8, {{50, 1}, {60, 9}}, Values::kTiny},
      {"int8_denormal", Heads(2, 2, 64), DType::kI8, {{50, 1}, {60, 9}}, Values::kDenormals},
      {"int8_zeros", Heads(2, 2, 64), DType::kI8, {{50, 1}, {60, 9}}, Values::kZeros},
      {"f32_decode", Heads(9, 3, 64), DType::kF32, decode},
      {"f32_mixed", Heads(4, 2, 64), DType::kF32, mixed},
      {"f32_window", Heads(4, 2, 32, 40), DType::kF32, mixed},
      {"f32_ragged_head", Heads(2, 1, 18), DType::kF32, {{50, 1}, {64, 33}}},
      {"f32_head8", Heads(4, 2, 8), DType::kF32, {{300, 1}, {64, 33}}},
      // So many rows that a GPU does not share the partitions of one among blocks.
      {"f32_prefill", Heads(16, 16, 8), DType::kF32, {{300, 270}}},
      {"bf16_prefill", Heads(16, 16, 8), DType::kBF16, {{300, 270}}},
      {"int8_prefill", Heads(16, 16, 8), DType::kI8, {{300, 270}}},
  };
  std::vector<NamedCase> named;
  for (const AttentionCase& c : cases) named.push_back({c.name, [c] { return Make(c); }});
  return named;
}

}  // namespace engine
