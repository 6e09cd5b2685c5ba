#include "ops/paged_attention.h"

#include <algorithm>

#include "core/kernel/kernel.h"
#include "ops/attention_row.h"
#include "ops/expect.h"
#include "ops/kv_layout.h"
#include "ops/rows.h"
#include "ops/store_row.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const PagedAttention& attention = op.as<PagedAttention>();
  RETURN_IF_ERROR(ExpectInputs(in, {"q", "cache", "block_table", "query_start", "query_length", "context_length"}));
  if (attention.kv_heads < 1 || attention.heads % attention.kv_heads != 0) {
    return InvalidArgument("heads is %d; it must be a multiple of kv_heads (%d)", attention.heads, attention.kv_heads);
  }
  if (attention.head_dim < 2 || attention.head_dim % 2 != 0) {
    return InvalidArgument("head_dim is %d; it must be even", attention.head_dim);
  }
  const DType dtype = in[1].dtype;
  RETURN_IF_ERROR(ExpectKvCache(in[1], attention.kv_heads, attention.head_dim));
  RETURN_IF_ERROR(ExpectRows("q", in[0], {KvOperandDType(dtype)}, int64_t{attention.heads} * attention.head_dim));
  RETURN_IF_ERROR(ExpectRows("block_table", in[2], {DType::kI32}));
  const TensorSpec per_sequence = {DType::kI32, {in[2].shape.leading()}};
  RETURN_IF_ERROR(Expect("query_start", in[3], per_sequence));
  RETURN_IF_ERROR(Expect("query_length", in[4], per_sequence));
  RETURN_IF_ERROR(Expect("context_length", in[5], per_sequence));
  RETURN_IF_ERROR(ExpectStorable(attention.out, int64_t{attention.heads} * attention.head_dim));
  return std::vector{TensorSpec{attention.out, in[0].shape}};
}

// As if every sequence were as long as the longest, which is all that extents tell. Two dot products per visible
// position, query head and dimension.
Cost CostOf(const OpRef& op, std::span<const TensorSpec> in, std::span<const TensorSpec> out,
            const StepExtents& extents) {
  const PagedAttention& attention = op.as<PagedAttention>();
  int64_t context = extents.max_context;
  if (attention.window > 0) context = std::min<int64_t>(context, attention.window + extents.max_query - 1);
  const int64_t token_bytes = in[1].row_bytes() / kKvBlockTokens;
  return {.bytes = BytesOf(in[0], extents) + extents.sequences * context * token_bytes + BytesOf(out[0], extents),
          .operations = 4 * context * ElementsOf(out[0], extents)};
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const PagedAttention& attention = op.as<PagedAttention>();
  const int32_t* query_start = args.in[3].as<int32_t>();
  const int32_t* query_length = args.in[4].as<int32_t>();
  const int32_t* context_length = args.in[5].as<int32_t>();
  const int64_t heads_per_kv_head = attention.heads / attention.kv_heads;
  std::vector<float> attended(int64_t{attention.heads} * attention.head_dim);
  for (int64_t s = 0; s < NumRows(args.in[2], args.extents); ++s) {
    const auto* blocks = reinterpret_cast<const int32_t*>(RowAt(args.in[2], s));
    for (int64_t j = 0; j < query_length[s]; ++j) {
      const int64_t row = query_start[s] + j;
      const int64_t own = context_length[s] - query_length[s] + j;
      const int64_t first = attention.window > 0 ? std::max<int64_t>(0, own - attention.window + 1) : 0;
      for (int64_t head = 0; head < attention.heads; ++head) {
        const int64_t begin = head * attention.head_dim;
        const KvView kv(args.in[1], blocks, head / heads_per_kv_head, attention.kv_heads, attention.head_dim);
        AttendRow(kv, RowAt(args.in[0], row) + RowBytes(args.in[0].spec->dtype, begin), attention.scale,
                  {first, own + 1}, std::span(attended).subspan(begin, attention.head_dim));
      }
      StoreRow(attention.out, attended, RowAt(args.out[0], row));
    }
  }
}

std::string Describe(const OpRef& op) {
  const PagedAttention& attention = op.as<PagedAttention>();
  return absl::StrFormat("heads=%d, kv_heads=%d, head_dim=%d, scale=%g, window=%d, out=%s", attention.heads,
                         attention.kv_heads, attention.head_dim, attention.scale, attention.window,
                         Name(attention.out));
}

constexpr OpSchema kSchema = {.name = "paged_attention",
                              .infer = Infer,
                              .cost = CostOf,
                              .reference = Reference,
                              .describe = Describe,
                              .with_output_dtype = StoringAs<PagedAttention>};

}  // namespace

const OpSchema& SchemaOf(const PagedAttention&) { return kSchema; }

}  // namespace engine
