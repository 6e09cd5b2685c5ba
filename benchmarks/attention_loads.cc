#include "benchmarks/attention_loads.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_format.h"
#include "benchmarks/attention_work.h"
#include "core/kv/cache_spec.h"
#include "ops/kv_layout.h"
#include "ops/kv_write.h"

namespace engine {
namespace {

constexpr DType kCacheFormats[] = {DType::kBF16, DType::kI8, DType::kF32};
constexpr int kDecodeSequences[] = {1, 8};
constexpr int64_t kChunk = 512;  // tokens of a prompt in one step

std::vector<DType> FormatsOf(const OpSelection& selection) {
  std::vector<DType> formats;
  std::ranges::copy_if(kCacheFormats, std::back_inserter(formats), [&](DType format) {
    return selection.formats.empty() || std::ranges::find(selection.formats, format) != selection.formats.end();
  });
  return formats;
}

LoadInput Integers(Shape shape, const std::vector<int32_t>& values) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
  return {.kind = LoadInput::Kind::kBytes,
          .spec = {DType::kI32, shape},
          .rows = shape.rank() == 1 ? static_cast<int64_t>(values.size()) : 0,
          .bytes = {bytes.begin(), bytes.end()}};
}

LoadInput Cache(DType format, const HeadShape& shape, int64_t blocks) {
  return {.kind = LoadInput::Kind::kCache,
          .spec = KvCacheSpec(format, shape.kv_heads, shape.head_dim),
          .rows = WholeSpans(blocks),
          .bytes = {}};
}

// `sequences` of `context` tokens each, of which the last `query` are new.
OpLoad Attention(const OpSelection& selection, DType format, int sequences, int64_t context, int64_t query) {
  const HeadShape& heads = selection.heads;
  const PagedAttention attention = {.heads = heads.heads,
                                    .kv_heads = heads.kv_heads,
                                    .head_dim = heads.head_dim,
                                    .scale = 1.0f / std::sqrt(static_cast<float>(heads.head_dim)),
                                    .window = selection.window};
  const int64_t columns = int64_t{heads.heads} * heads.head_dim;
  const int64_t blocks = (context + kKvBlockTokens - 1) / kKvBlockTokens;
  const int64_t tokens = sequences * query;
  std::vector<int32_t> table(sequences * blocks), start(sequences);
  std::iota(table.begin(), table.end(), 0);
  for (int s = 0; s < sequences; ++s) start[s] = static_cast<int32_t>(s * query);
  const auto per_sequence = [&](int64_t value) {
    return Integers({kSequences}, std::vector<int32_t>(sequences, static_cast<int32_t>(value)));
  };
  const TensorSpec q = {KvOperandDType(format), {kTokens, columns}};
  const LoadInput cache = Cache(format, heads, sequences * blocks);
  const Cost one = AttentionWork(attention, cache.spec, context - query, query);
  const int64_t q_bytes = tokens * (q.row_bytes() + RowBytes(DType::kF32, columns));
  return {.op = OpRef(SchemaOf(attention), attention),
          .format = std::string(Name(format)),
          .shape = absl::StrFormat("%d/%dx%d %s@%d", heads.heads, heads.kv_heads, heads.head_dim,
                                   query == 1 ? "decode" : "prefill", context - query),
          .rows = tokens,
          .extents = {.tokens = static_cast<int>(tokens),
                      .sequences = sequences,
                      .decode_sequences = query == 1 ? sequences : 0,
                      .max_query = static_cast<int>(query),
                      .max_context = static_cast<int>(context)},
          .in = {{.spec = q, .rows = tokens, .bytes = {}},
                 cache,
                 Integers({kSequences, blocks}, table),
                 Integers({kSequences}, start),
                 per_sequence(query),
                 per_sequence(context)},
          .limit = AttentionLimit(format),
          .work = {.bytes = sequences * one.bytes + q_bytes, .operations = sequences * one.operations}};
}

}  // namespace

std::vector<OpLoad> AttentionLoads(const OpSelection& selection) {
  std::vector<OpLoad> loads;
  for (const DType format : FormatsOf(selection)) {
    for (const int64_t context : selection.contexts) {
      for (const int sequences : kDecodeSequences) {
        loads.push_back(Attention(selection, format, sequences, context, 1));
      }
      loads.push_back(Attention(selection, format, 1, context, context));
      loads.push_back(Attention(selection, format, 1, context + kChunk, kChunk));
    }
  }
  return loads;
}

std::vector<OpLoad> KvWriteLoads(const OpSelection& selection) {
  std::vector<OpLoad> loads;
  const HeadShape& heads = selection.heads;
  const KvWrite write = {.kv_heads = heads.kv_heads, .head_dim = heads.head_dim};
  for (const DType format : FormatsOf(selection)) {
    for (const int64_t rows : selection.rows) {
      std::vector<int32_t> slots(rows);
      std::iota(slots.begin(), slots.end(), 0);
      const Shape shape = {kTokens, int64_t{heads.kv_heads} * heads.head_dim};
      loads.push_back({.op = OpRef(SchemaOf(write), write),
                       .format = std::string(Name(format)),
                       .shape = absl::StrFormat("%dx%d", heads.kv_heads, heads.head_dim),
                       .rows = rows,
                       .extents = {.tokens = static_cast<int>(rows)},
                       .in = {{.spec = {KvOperandDType(format), shape}, .rows = rows, .bytes = {}},
                              {.spec = {DType::kF32, shape}, .rows = rows, .bytes = {}},
                              Integers({kTokens}, slots),
                              Cache(format, heads, (rows + kKvBlockTokens - 1) / kKvBlockTokens)},
                       .work = {}});
    }
  }
  return loads;
}

}  // namespace engine
