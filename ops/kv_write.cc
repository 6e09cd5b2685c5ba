#include "ops/kv_write.h"

#include "core/base/bf16.h"
#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/kv_layout.h"
#include "ops/rows.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const KvWrite& attributes = op.as<KvWrite>();
  RETURN_IF_ERROR(ExpectInputs(in, {"k", "v", "slots", "cache"}));
  const DType dtype = in[3].dtype;
  const int64_t columns = int64_t{attributes.kv_heads} * attributes.head_dim;
  RETURN_IF_ERROR(ExpectKvDType("cache", dtype));
  RETURN_IF_ERROR(Expect("cache", in[3], KvCacheSpec(dtype, attributes.kv_heads, attributes.head_dim)));
  RETURN_IF_ERROR(ExpectRows("k", in[0], {dtype}, columns));
  RETURN_IF_ERROR(Expect("v", in[1], {DType::kF32, in[0].shape}));
  RETURN_IF_ERROR(Expect("slots", in[2], {DType::kI32, {in[0].shape.leading()}}));
  return std::vector<TensorSpec>();
}

// Writes as many bytes of K and V as k has, twice.
Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec>, const StepExtents& extents) {
  return {.bytes = BytesOf(in.first(3), extents) + 2 * BytesOf(in[0], extents), .operations = 0};
}

// part: the K and V of one block and head. Element is float, or uint16_t for bf16.
template <typename Element>
void WriteHead(DType dtype, int64_t head_dim, int64_t token, const Element* k, const float* v, Element* part) {
  Element* values = part + KvValuesOffset(head_dim);
  for (int64_t i = 0; i < head_dim; ++i) {
    part[KeyOffset(dtype, token, i)] = k[i];
    if constexpr (sizeof(Element) == sizeof(uint16_t)) {
      values[ValueOffset(dtype, head_dim, token, i)] = F32ToBf16(v[i]);
    } else {
      values[ValueOffset(dtype, head_dim, token, i)] = v[i];
    }
  }
}

template <typename Element>
void WriteRows(const KvWrite& attributes, const LaunchArgs& args) {
  const int64_t head_dim = attributes.head_dim;
  for (int64_t t = 0; t < NumRows(args.in[0], args.extents); ++t) {
    const int32_t slot = args.in[2].as<int32_t>()[t];
    if (slot < 0) continue;
    for (int64_t head = 0; head < attributes.kv_heads; ++head) {
      const int64_t offset = KvHeadOffset(slot / kKvBlockTokens, head, attributes.kv_heads, head_dim);
      WriteHead(args.in[3].spec->dtype, head_dim, slot % kKvBlockTokens,
                reinterpret_cast<const Element*>(RowAt(args.in[0], t)) + head * head_dim,
                FloatRow(args.in[1], t).data() + head * head_dim, args.in[3].as<Element>() + offset);
    }
  }
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const KvWrite& attributes = op.as<KvWrite>();
  if (args.in[3].spec->dtype == DType::kBF16) {
    WriteRows<uint16_t>(attributes, args);
  } else {
    WriteRows<float>(attributes, args);
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
