#include "ops/add.h"

#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/rows.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef&, std::span<const TensorSpec> in) {
  RETURN_IF_ERROR(ExpectInputs(in, {"a", "b"}));
  RETURN_IF_ERROR(ExpectRows("a", in[0], {DType::kF32}));
  RETURN_IF_ERROR(Expect("b", in[1], in[0]));
  return std::vector{in[0]};
}

Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  return ElementwiseCost(in, out, extents, 1);
}

void Reference(const OpRef&, const LaunchArgs& args) {
  for (int64_t r = 0; r < NumRows(args.out[0], args.extents); ++r) {
    const std::span<const float> a = FloatRow(args.in[0], r);
    const std::span<const float> b = FloatRow(args.in[1], r);
    const std::span<float> out = FloatRow(args.out[0], r);
    for (size_t i = 0; i < out.size(); ++i) out[i] = a[i] + b[i];
  }
}

constexpr OpSchema kSchema = {.name = "add", .infer = Infer, .cost = CostOf, .reference = Reference};

}  // namespace

const OpSchema& SchemaOf(const Add&) { return kSchema; }

}  // namespace engine
