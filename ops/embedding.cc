#include "ops/embedding.h"

#include <algorithm>

#include "core/kernel/kernel.h"
#include "core/weights/quant.h"
#include "ops/expect.h"
#include "ops/rows.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef&, std::span<const TensorSpec> in) {
  RETURN_IF_ERROR(ExpectInputs(in, {"tokens", "table", "previous"}));
  RETURN_IF_ERROR(Expect("tokens", in[0], {DType::kI32, {in[0].shape.leading()}}));
  RETURN_IF_ERROR(ExpectWeight("table", in[1]));
  RETURN_IF_ERROR(Expect("previous", in[2], {DType::kI32, {kSampled}}));
  return std::vector{TensorSpec{DType::kF32, {in[0].shape.leading(), in[1].shape[1]}}};
}

// Reads one table row per token, not the table.
Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  const int64_t tokens = Resolve(in[0].shape.leading(), extents);
  return {.bytes = BytesOf(in[0], extents) + tokens * in[1].row_bytes() + BytesOf(out[0], extents),
          .operations = ElementsOf(out[0], extents)};
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const float scale = op.as<Embedding>().scale;
  const Tensor& table = args.in[1];
  for (int64_t t = 0; t < NumRows(args.out[0], args.extents); ++t) {
    const int32_t token = args.in[0].as<int32_t>()[t];
    const int32_t id = token >= 0 ? token : args.in[2].as<int32_t>()[-1 - token];
    const std::span<float> out = FloatRow(args.out[0], t);
    if (id < 0) {
      std::fill(out.begin(), out.end(), 0.0f);
      continue;
    }
    DequantizeRow(table.spec->dtype, {RowAt(table, id), static_cast<size_t>(table.spec->row_bytes())}, out);
    for (float& value : out) value *= scale;
  }
}

std::string Describe(const OpRef& op) { return absl::StrFormat("scale=%g", op.as<Embedding>().scale); }

constexpr OpSchema kSchema = {
    .name = "embedding", .infer = Infer, .cost = CostOf, .reference = Reference, .describe = Describe};

}  // namespace

const OpSchema& SchemaOf(const Embedding&) { return kSchema; }

}  // namespace engine
