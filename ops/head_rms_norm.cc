#include "ops/head_rms_norm.h"

#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/norm_row.h"
#include "ops/rows.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const HeadRmsNorm& norm = op.as<HeadRmsNorm>();
  RETURN_IF_ERROR(ExpectInputs(in, {"x", "weight"}));
  RETURN_IF_ERROR(ExpectRows("x", in[0], {DType::kF32}, int64_t{norm.heads} * norm.head_dim));
  RETURN_IF_ERROR(Expect("weight", in[1], {DType::kF32, {norm.head_dim}}));
  return std::vector{in[0]};
}

Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  return ElementwiseCost(in, out, extents, 4);
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const HeadRmsNorm& norm = op.as<HeadRmsNorm>();
  for (int64_t t = 0; t < NumRows(args.in[0], args.extents); ++t) {
    for (int head = 0; head < norm.heads; ++head) {
      const size_t begin = static_cast<size_t>(head) * norm.head_dim;
      RmsNormRow(FloatRow(args.in[0], t).subspan(begin, norm.head_dim), FloatVector(args.in[1]), norm.epsilon,
                 FloatRow(args.out[0], t).subspan(begin, norm.head_dim));
    }
  }
}

std::string Describe(const OpRef& op) {
  const HeadRmsNorm& norm = op.as<HeadRmsNorm>();
  return absl::StrFormat("heads=%d, head_dim=%d, epsilon=%g", norm.heads, norm.head_dim, norm.epsilon);
}

constexpr OpSchema kSchema = {
    .name = "head_rms_norm", .infer = Infer, .cost = CostOf, .reference = Reference, .describe = Describe};

}  // namespace

const OpSchema& SchemaOf(const HeadRmsNorm&) { return kSchema; }

}  // namespace engine
