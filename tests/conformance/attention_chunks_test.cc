// Attention of class invariant: a token has the same bits however its prompt is cut into steps, whatever else is in them, and
// however a device shares the work. That of class exact has the reference's, as conformance shows.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "conformance/kernel_run.h"
#include "conformance/test_data.h"
#include "core/base/bf16.h"
#include "core/kv/cache_spec.h"
#include "ops/kv_layout.h"
#include "ops/paged_attention.h"
#include "tests/conformance/devices.h"

namespace engine {
namespace {

// New tokens of a sequence in a step, by position.
struct Chunk {
  int first;
  int count;
};

// In a bf16 cache: three partitions, of which the last has a block and a half.
constexpr int kPromptTokens = 560;
constexpr int kKvBlocks = 18;
static_assert(kKvBlocks * kKvBlockTokens >= kPromptTokens);

class Prompt {
 public:
  explicit Prompt(const PagedAttention& op) : op_(op), table_(kKvBlocks) {
    std::iota(table_.begin(), table_.end(), 0);
    std::shuffle(table_.begin(), table_.end(), random_);
    queries_ = Numbers(op.heads);
    keys_ = Numbers(op.kv_heads);
    values_ = Numbers(op.kv_heads);
    // Scores that grow, so that late blocks and partitions have new maxima.
    for (size_t i = 0; i < keys_.size() / 2; ++i) keys_[i] = F32ToBf16(Bf16ToF32(keys_[i]) / 4);
  }

  // Of all heads.
  void SetValue(int token, int dim, float value) { Set(values_, token, dim, value); }

  void SetKey(int token, int dim, float value) { Set(keys_, token, dim, value); }

  void ScaleValues(float factor) {
    for (uint16_t& value : values_) value = F32ToBf16(Bf16ToF32(value) * factor);
  }

  // Chunks as sequences that share the prompt's blocks. What the last of them does not reach is not in the cache yet.
  OpCase Step(const std::vector<Chunk>& chunks, int max_query) const {
    std::vector<int32_t> tables, starts, lengths, contexts;
    std::vector<uint16_t> queries;
    StepExtents extents = {.sequences = static_cast<int>(chunks.size()), .max_query = max_query};
    const int64_t columns = int64_t{op_.heads} * op_.head_dim;
    for (const Chunk& chunk : chunks) {
      tables.insert(tables.end(), table_.begin(), table_.end());
      starts.push_back(extents.tokens);
      lengths.push_back(chunk.count);
      contexts.push_back(chunk.first + chunk.count);
      const auto begin = queries_.begin() + chunk.first * columns;
      queries.insert(queries.end(), begin, begin + chunk.count * columns);
      extents.tokens += chunk.count;
      extents.max_query = std::max(extents.max_query, chunk.count);
      extents.max_context = std::max(extents.max_context, contexts.back());
    }
    return {.name = "step",
            .op = OpRef(SchemaOf(op_), op_),
            .in = {{.spec = {DType::kBF16, {kTokens, columns}}, .data = BytesOf(queries)},
                   Cache(extents.max_context),
                   {.spec = {DType::kI32, {kSequences, kKvBlocks}}, .data = BytesOf(tables)},
                   IntegerInput(kSequences, starts),
                   IntegerInput(kSequences, lengths),
                   IntegerInput(kSequences, contexts)},
            .largest = extents,
            .rows_alone = false};
  }

 private:
  std::vector<uint16_t> Numbers(int heads) {
    std::normal_distribution<float> normal;
    std::vector<uint16_t> numbers(int64_t{kPromptTokens} * heads * op_.head_dim);
    for (uint16_t& number : numbers) number = F32ToBf16(normal(random_));
    return numbers;
  }

  void Set(std::vector<uint16_t>& numbers, int token, int dim, float value) const {
    for (int head = 0; head < op_.kv_heads; ++head) {
      numbers[(int64_t{token} * op_.kv_heads + head) * op_.head_dim + dim] = F32ToBf16(value);
    }
  }

  CaseInput Cache(int tokens) const {
    CaseInput cache = {.spec = KvCacheSpec(DType::kBF16, op_.kv_heads, op_.head_dim), .data = {}};
    cache.data.assign(WholeSpans(kKvBlocks) * cache.spec.row_bytes(), std::byte{0xff});
    auto* const elements = reinterpret_cast<uint16_t*>(cache.data.data());
    for (int64_t row = 0; row < int64_t{tokens} * op_.kv_heads; ++row) {
      const int64_t position = row / op_.kv_heads, token = position % kKvBlockTokens;
      const int64_t block = table_[position / kKvBlockTokens];
      uint16_t* const keys =
          elements + KvHeadOffset(DType::kBF16, block, row % op_.kv_heads, op_.kv_heads, op_.head_dim);
      uint16_t* const values = keys + KvValuesOffset(DType::kBF16, op_.head_dim);
      for (int64_t i = 0; i < op_.head_dim; ++i) {
        keys[KeyOffset(DType::kBF16, token, i)] = keys_[row * op_.head_dim + i];
        values[ValueOffset(DType::kBF16, op_.head_dim, token, i)] = values_[row * op_.head_dim + i];
      }
    }
    return cache;
  }

  PagedAttention op_;
  std::mt19937 random_{11};
  std::vector<int32_t> table_;
  std::vector<uint16_t> queries_, keys_, values_;
};

using Rows = std::map<int, std::vector<float>>;  // by token

// A kernel that promises it, with the rows of the whole prompt in one step.
class AttendingKernel {
 public:
  AttendingKernel(const Prompt& prompt, const ConformanceDevice& device, const KernelEntry& entry)
      : prompt_(prompt), device_(device), entry_(entry), whole_(Attend({{0, kPromptTokens}}, 0)) {}

  // The same with another prompt.
  AttendingKernel With(const Prompt& prompt) const { return AttendingKernel(prompt, device_, entry_); }

  const Rows& whole() const { return whole_; }

  // The rows of a step. max_query: of a step that others make larger, so that a GPU has many blocks.
  Rows Attend(const std::vector<Chunk>& chunks, int max_query) const {
    const OpCase step = prompt_.Step(chunks, max_query);
    const auto launcher = device_.device ? *LaunchOnDevice(*device_.device, false) : LaunchOnTeam(1);
    const auto run = KernelRun::Create(step, entry_, RowMajorLayout(), device_.info);
    const auto results = run->Launch({step.largest}, *launcher);
    EXPECT_TRUE(results.ok()) << results.status();
    Rows rows;
    if (!results.ok()) return rows;
    const auto* out = reinterpret_cast<const float*>((*results)[0].data());
    const int64_t columns = step.in[0].spec.shape[1];
    for (const Chunk& chunk : chunks) {
      for (int i = 0; i < chunk.count; ++i, out += columns) rows[chunk.first + i].assign(out, out + columns);
    }
    return rows;
  }

  // NaN is NaN: which one it is may depend on where it comes from.
  void ExpectRowsOfTheWhole(const std::string& what, const Rows& rows) const {
    for (const auto& [token, row] : rows) {
      for (size_t i = 0; i < row.size(); ++i) {
        const float want = whole_.at(token)[i];
        if (std::isnan(want) && std::isnan(row[i])) continue;
        ASSERT_EQ(std::bit_cast<uint32_t>(want), std::bit_cast<uint32_t>(row[i]))
            << entry_.name << " (" << device_.info.isa << "), " << what << ": token " << token << ", column " << i
            << ": the reference has " << want << ", got " << row[i];
      }
    }
  }

  void ExpectRows(const std::string& what, const std::vector<Chunk>& chunks, int max_query = 0) const {
    ExpectRowsOfTheWhole(what, Attend(chunks, max_query));
  }

 private:
  const Prompt& prompt_;
  const ConformanceDevice& device_;
  const KernelEntry& entry_;
  Rows whole_;
};

std::vector<Chunk> ChunksOf(int size, int end = kPromptTokens) {
  std::vector<Chunk> chunks;
  for (int first = 0; first < end; first += size) chunks.push_back({first, std::min(size, end - first)});
  return chunks;
}

template <typename Test>
void ForEachKernel(const Prompt& prompt, const Test& test) {
  const OpCase step = prompt.Step({{0, kPromptTokens}}, 0);
  for (const ConformanceDevice& device : ConformanceDevices()) {
    for (const KernelEntry* entry : device.registry.Entries(device.info.kind, step.op.name())) {
      if (entry->exactness != Exactness::kInvariant || !LayoutsOf(step, *entry, device.info).ok()) continue;
      test(AttendingKernel(prompt, device, *entry));
    }
  }
}

// So many blocks that a GPU does not share the partitions of one: surplus ones have nothing to do.
constexpr int kManyQueries = 34000;

struct HeadCase {
  const char* name;
  PagedAttention attention;
};

class AttentionChunks : public testing::TestWithParam<HeadCase> {};

TEST_P(AttentionChunks, DoNotChangeATokensBits) {
  const Prompt prompt(GetParam().attention);
  ForEachKernel(prompt, [&](const AttendingKernel& kernel) {
    kernel.ExpectRows("by blocks that walk all partitions", {{0, kPromptTokens}}, kManyQueries);
    for (const Chunk& chunk : ChunksOf(53)) kernel.ExpectRows("in chunks", {chunk});
    for (const int token : {0, 31, 255, 256, 511, kPromptTokens - 1}) {
      kernel.ExpectRows("alone", {{token, 1}});
    }
    kernel.ExpectRows("alone, by a block that walks all partitions", {{kPromptTokens - 1, 1}}, kManyQueries);
    kernel.ExpectRows("one by one, side by side", ChunksOf(1));
    kernel.ExpectRows("beside others", {{7, 1}, {kPromptTokens - 1, 1}, {100, 50}, {0, 64}, {250, 19}, {401, 100}});
  });
}

// A model that overflows loses what sees the token, and nothing else: not what a chunk computes beside it.
TEST_P(AttentionChunks, HideATokenThatIsNotFiniteFromThoseBefore) {
  Prompt prompt(GetParam().attention);
  const int spoilt = 301;
  prompt.SetValue(spoilt, 3, std::numeric_limits<float>::infinity());
  prompt.SetValue(spoilt, 4, std::nanf(""));
  ForEachKernel(prompt, [&](const AttendingKernel& kernel) {
    for (const auto& [token, row] : kernel.whole()) {
      const bool sees =
          token >= spoilt && (GetParam().attention.window == 0 || token < spoilt + GetParam().attention.window);
      const char* const want = sees ? ": the reference has NaN" : ": the reference has a number";
      ASSERT_EQ(sees, std::isnan(row[4])) << token << want;
      ASSERT_EQ(sees, !std::isfinite(row[3])) << token << want;
    }
    for (const Chunk& chunk : ChunksOf(53)) kernel.ExpectRows("in chunks", {chunk});
    kernel.ExpectRows("before it", {{0, spoilt}});
    for (const int token : {spoilt - 1, spoilt, spoilt + 1}) kernel.ExpectRows("alone", {{token, 1}});
  });
}

// A product with a weight of 0 changes no sum, though it might, by its exponent, in a unit that aligns products before it adds
// them: those of the others are 2^-40 of what it could be taken for.
TEST_P(AttentionChunks, HideAHugeValueFromThoseBefore) {
  Prompt prompt(GetParam().attention);
  prompt.ScaleValues(0x1p-40f);
  Prompt with_huge = prompt;
  const int huge = 301;
  for (int dim = 0; dim < GetParam().attention.head_dim; ++dim) with_huge.SetValue(huge, dim, Bf16ToF32(0x7f7f));
  ForEachKernel(prompt, [&](const AttendingKernel& kernel) {
    const AttendingKernel beside = kernel.With(with_huge);
    const auto expect_rows = [&](const std::vector<Chunk>& chunks, int max_query) {
      Rows rows = beside.Attend(chunks, max_query);
      std::erase_if(rows, [](const auto& row) { return row.first >= huge; });
      kernel.ExpectRowsOfTheWhole("beside a huge value", rows);
    };
    expect_rows({{0, kPromptTokens}}, 0);
    expect_rows({{0, kPromptTokens}}, kManyQueries);
    expect_rows({{290, 20}}, 0);
    for (const Chunk& chunk : ChunksOf(53)) beside.ExpectRows("in chunks", {chunk});
    for (const int token : {huge - 1, huge, huge + 1}) beside.ExpectRows("alone", {{token, 1}});
  });
}

// A score of -infinity, here of all that some rows see of a partition, is a weight of 0; one of infinity makes NaN.
TEST_P(AttentionChunks, DoNotChangeWhatAKeyThatIsNotFiniteDoes) {
  Prompt prompt(GetParam().attention);
  const int first = kAttentionPartition;
  prompt.SetKey(first, 3, std::numeric_limits<float>::infinity());
  ForEachKernel(prompt, [&](const AttendingKernel& kernel) {
    kernel.ExpectRows("by blocks that walk all partitions", {{200, 100}}, kManyQueries);
    for (const int token : {first - 1, first, first + 1}) kernel.ExpectRows("alone", {{token, 1}});
  });
}

constexpr PagedAttention Heads(int heads, int kv_heads, int head_dim, int window = 0) {
  return {.heads = heads, .kv_heads = kv_heads, .head_dim = head_dim, .scale = 0.125f, .window = window};
}

INSTANTIATE_TEST_SUITE_P(Op, AttentionChunks,
                         testing::Values(HeadCase{"head64", Heads(3, 1, 64)}, HeadCase{"head128", Heads(2, 1, 128)},
                                         HeadCase{"window40", Heads(2, 1, 64, 40)},
                                         HeadCase{"window301", Heads(2, 1, 64, 301)}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace engine
