#include <algorithm>

#include "conformance/cases.h"
#include "conformance/test_data.h"
#include "ops/kv_layout.h"
#include "ops/kv_write.h"

namespace engine {
namespace {

constexpr int kWrittenTokens = 33;
constexpr int kCacheBlocks = 2 * kSpanBlocks;

// Slots in shuffled blocks, some tokens skipped; whatever else the cache holds must stay. A step that writes fewer rows
// leaves another cache, so only the largest step can be compared as a whole.
NamedCase Cache(int kv_heads, int head_dim, DType dtype) {
  const std::string name = std::string(Name(dtype)) + "_" + std::to_string(kv_heads) + "x" + std::to_string(head_dim);
  return {name, [=] {
            TestData data(head_dim);
            const KvWrite write = {kv_heads, head_dim};
            const int64_t columns = int64_t{kv_heads} * head_dim;
            std::vector<int32_t> slots;
            for (int t = 0; t < kWrittenTokens; ++t) slots.push_back((t * 23 + 20) % (kCacheBlocks * kKvBlockTokens));
            slots[4] = slots[32] = -1;
            CaseInput cache = {.spec = KvCacheSpec(dtype, kv_heads, head_dim), .data = {}};
            cache.data.assign(kCacheBlocks * cache.spec.row_bytes(), std::byte{0xff});
            return OpCase{.name = name,
                          .op = OpRef(SchemaOf(write), write),
                          .in = {data.Rows(KvOperandDType(dtype), kTokens, kWrittenTokens, columns, Values::kOutliers),
                                 data.Rows(DType::kF32, kTokens, kWrittenTokens, columns, Values::kOutliers),
                                 IntegerInput(kTokens, slots), std::move(cache)},
                          .largest = {.tokens = kWrittenTokens},
                          .steps = {{.tokens = kWrittenTokens}},
                          .rows_alone = false};
          }};
}

// One token, and tokens of one block in order, as decode and prefill write them.
NamedCase Run(int first_slot, int tokens, DType dtype) {
  const std::string name = std::string(Name(dtype)) + "_run" + std::to_string(tokens);
  return {name, [=] {
            OpCase op_case = Cache(2, 64, dtype).make();
            std::vector<int32_t> slots;
            for (int t = 0; t < tokens; ++t) slots.push_back(first_slot + t);
            op_case.name = name;
            op_case.in[0].data.resize(tokens * op_case.in[0].spec.row_bytes());
            op_case.in[1].data.resize(tokens * op_case.in[1].spec.row_bytes());
            op_case.in[2] = IntegerInput(kTokens, slots);
            op_case.largest = {.tokens = tokens};
            op_case.steps = {{.tokens = tokens}};
            return op_case;
          }};
}

}  // namespace

std::vector<NamedCase> KvWriteCases() {
  return {
      Cache(1, 8, DType::kF32),    Cache(3, 64, DType::kBF16), Cache(2, 40, DType::kBF16), Cache(2, 128, DType::kF32),
      Cache(1, 128, DType::kBF16), Run(37, 1, DType::kBF16),   Run(64, 32, DType::kBF16),  Run(33, 30, DType::kBF16),
      Run(0, 1, DType::kF32),      Run(33, 30, DType::kF32),   Run(0, 0, DType::kBF16),    Cache(3, 64, DType::kI8),
      Cache(2, 20, DType::kI8),    Cache(1, 128, DType::kI8),  Run(0, 1, DType::kI8),      Run(33, 30, DType::kI8)};
}

}  // namespace engine
