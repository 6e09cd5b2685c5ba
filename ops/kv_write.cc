#include "ops/kv_write.h"

#include <algorithm>

#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/kv_layout.h"
#include "ops/rows.h"
#include "ops/store_row.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const KvWrite& attributes = op.as<KvWrite>();
  RETURN_IF_ERROR(ExpectInputs(in, {"k", "v", "slots", "cache"}));
  const DType dtype = in[3].dtype;
  const int64_t columns = int64_t{attributes.kv_heads} * attributes.head_dim;
  RETURN_IF_ERROR(ExpectKvCache(in[3], attributes.kv_heads, attributes.head_dim));
  RETURN_IF_ERROR(ExpectRows("k", in[0], {KvOperandDType(dtype)}, columns));
  RETURN_IF_ERROR(Expect("v", in[1], {DType::kF32, in[0].shape}));
  RETURN_IF_ERROR(Expect("slots", in[2], {DType::kI32, {in[0].shape.leading()}}));
  return std::vector<TensorSpec>();
}

// Writes a token's K and V for every row.
Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec>, const StepExtents& extents) {
  const int64_t token_bytes = in[3].row_bytes() / kKvBlockTokens;
  return {.bytes = BytesOf(in.first(3), extents) + Resolve(in[0].shape.leading(), extents) * token_bytes,
          .operations = 0};
}

// One head of a token in the cache's dtype; the scale is that of int8.
struct StoredHead {
  std::vector<std::byte> elements;
  float scale = 0.0f;
};

StoredHead Rounded(DType dtype, std::span<const float> head) {
  StoredHead stored{.elements = std::vector<std::byte>(RowBytes(dtype, static_cast<int64_t>(head.size())))};
  if (dtype == DType::kI8) {
    stored.scale = QuantiseGroup(head, reinterpret_cast<int8_t*>(stored.elements.data()));
  } else {
    StoreRow(dtype, head, stored.elements.data());
  }
  return stored;
}

// offset(i): where the part has dimension i of the token.
template <typename Offset>
void Scatter(const StoredHead& head, int64_t head_dim, int64_t token, Offset offset, std::byte* part) {
  const int64_t size = static_cast<int64_t>(head.elements.size()) / head_dim;
  for (int64_t i = 0; i < head_dim; ++i) std::copy_n(&head.elements[i * size], size, part + offset(i) * size);
  if (size == 1) reinterpret_cast<float*>(part + KvScalesOffset(head_dim))[token] = head.scale;
}

void WriteHead(const LaunchArgs& args, const KvWrite& op, int64_t row, int64_t head) {
  const DType dtype = args.in[3].spec->dtype;
  const int64_t size = op.head_dim;
  const int32_t slot = args.in[2].as<int32_t>()[row];
  const int64_t token = slot % kKvBlockTokens;
  // Keys come rounded, except that int8 scales are chosen here.
  const DType operand = KvOperandDType(dtype);
  const std::byte* k = RowAt(args.in[0], row) + RowBytes(operand, head * size);
  const StoredHead key = operand == DType::kF32
                             ? Rounded(dtype, {reinterpret_cast<const float*>(k), static_cast<size_t>(size)})
                             : StoredHead{.elements = {k, k + RowBytes(operand, size)}};
  std::byte* const part =
      args.in[3].data + RowBytes(dtype, KvHeadOffset(dtype, slot / kKvBlockTokens, head, op.kv_heads, size));
  Scatter(key, size, token, [&](int64_t i) { return KeyOffset(dtype, token, i); }, part);
  Scatter(
      Rounded(dtype, FloatRow(args.in[1], row).subspan(head * size, size)), size, token,
      [&](int64_t i) { return ValueOffset(dtype, size, token, i); },
      part + RowBytes(dtype, KvValuesOffset(dtype, size)));
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const KvWrite& attributes = op.as<KvWrite>();
  for (int64_t row = 0; row < NumRows(args.in[0], args.extents); ++row) {
    if (args.in[2].as<int32_t>()[row] < 0) continue;
    for (int64_t head = 0; head < attributes.kv_heads; ++head) WriteHead(args, attributes, row, head);
  }
}

std::string Describe(const OpRef& op) {
  const KvWrite& attributes = op.as<KvWrite>();
  return absl::StrFormat("kv_heads=%d, head_dim=%d", attributes.kv_heads, attributes.head_dim);
}

constexpr OpSchema kSchema = {.name = "kv_write",
                              .infer = Infer,
                              .cost = CostOf,
                              .reference = Reference,
                              .describe = Describe,
                              .mutated_input = 3};

}  // namespace

const OpSchema& SchemaOf(const KvWrite&) { return kSchema; }

}  // namespace engine
