#include "ops/add_rms_norm.h"

#include "core/graph/builder.h"
#include "core/kernel/kernel.h"
#include "ops/add.h"
#include "ops/expect.h"
#include "ops/norm_row.h"
#include "ops/rms_norm.h"
#include "ops/rows.h"
#include "ops/store_row.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const DType out = op.as<AddRmsNorm>().out;
  RETURN_IF_ERROR(ExpectInputs(in, {"residual", "delta", "weight"}));
  RETURN_IF_ERROR(ExpectRows("residual", in[0], {DType::kF32}));
  RETURN_IF_ERROR(Expect("delta", in[1], in[0]));
  RETURN_IF_ERROR(Expect("weight", in[2], {DType::kF32, {in[0].shape[1]}}));
  RETURN_IF_ERROR(ExpectStorable(out, in[0].shape[1]));
  return std::vector{in[0], TensorSpec{out, in[0].shape}};
}

// The sum of an element, then as rms_norm.
Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  return ElementwiseCost(in, out, extents, 5);
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const AddRmsNorm& norm = op.as<AddRmsNorm>();
  const std::span<const float> weight = FloatVector(args.in[2]);
  std::vector<float> y(weight.size());
  for (int64_t r = 0; r < NumRows(args.in[0], args.extents); ++r) {
    const std::span<const float> residual = FloatRow(args.in[0], r);
    const std::span<const float> delta = FloatRow(args.in[1], r);
    const std::span<float> sum = FloatRow(args.out[0], r);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] = residual[i] + delta[i];
    RmsNormRow(sum, weight, norm.epsilon, y);
    StoreRow(norm.out, y, RowAt(args.out[1], r));
  }
}

std::string Describe(const OpRef& op) {
  const AddRmsNorm& norm = op.as<AddRmsNorm>();
  return absl::StrFormat("epsilon=%g, out=%s", norm.epsilon, Name(norm.out));
}

absl::StatusOr<std::vector<ValueId>> Decompose(const OpRef& op, GraphBuilder& builder, std::span<const ValueId> in) {
  const AddRmsNorm& norm = op.as<AddRmsNorm>();
  const ValueId sum = builder.Add(Add{}, {in[0], in[1]});
  const ValueId y = builder.Add(RmsNorm{.epsilon = norm.epsilon, .out = norm.out}, {sum, in[2]});
  RETURN_IF_ERROR(builder.status());
  return std::vector{sum, y};
}

// The sum is the residual stream and stays f32.
std::optional<OpRef> WithOutputDType(const OpRef& op, int index, DType dtype) {
  return index == 1 ? StoringAs<AddRmsNorm>(op, index, dtype) : std::nullopt;
}

constexpr OpSchema kSchema = {.name = "add_rms_norm",
                              .infer = Infer,
                              .cost = CostOf,
                              .reference = Reference,
                              .describe = Describe,
                              .decompose = Decompose,
                              .with_output_dtype = WithOutputDType};

}  // namespace

const OpSchema& SchemaOf(const AddRmsNorm&) { return kSchema; }

}  // namespace engine
