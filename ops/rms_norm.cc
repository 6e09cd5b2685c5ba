#include "ops/rms_norm.h"

#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/norm_row.h"
#include "ops/rows.h"
#include "ops/store_row.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const DType out = op.as<RmsNorm>().out;
  RETURN_IF_ERROR(ExpectInputs(in, {"x", "weight"}));
  RETURN_IF_ERROR(ExpectRows("x", in[0], {DType::kF32}));
  RETURN_IF_ERROR(Expect("weight", in[1], {DType::kF32, {in[0].shape[1]}}));
  RETURN_IF_ERROR(ExpectStorable(out, in[0].shape[1]));
  return std::vector{TensorSpec{out, in[0].shape}};
}

// A multiply-add for the sum and two products for the result.
Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  return ElementwiseCost(in, out, extents, 4);
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const RmsNorm& norm = op.as<RmsNorm>();
  const std::span<const float> weight = FloatVector(args.in[1]);
  std::vector<float> y(weight.size());
  for (int64_t r = 0; r < NumRows(args.in[0], args.extents); ++r) {
    RmsNormRow(FloatRow(args.in[0], r), weight, norm.epsilon, y);
    StoreRow(norm.out, y, RowAt(args.out[0], r));
  }
}

std::string Describe(const OpRef& op) {
  const RmsNorm& norm = op.as<RmsNorm>();
  return absl::StrFormat("epsilon=%g, out=%s", norm.epsilon, Name(norm.out));
}

constexpr OpSchema kSchema = {.name = "rms_norm",
                              .infer = Infer,
                              .cost = CostOf,
                              .reference = Reference,
                              .describe = Describe,
                              .with_output_dtype = StoringAs<RmsNorm>};

}  // namespace

const OpSchema& SchemaOf(const RmsNorm&) { return kSchema; }

}  // namespace engine
