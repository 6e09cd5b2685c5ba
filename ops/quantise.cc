#include "ops/quantise.h"

#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/rows.h"
#include "ops/store_row.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const DType to = op.as<Quantise>().to;
  RETURN_IF_ERROR(ExpectInputs(in, {"x"}));
  RETURN_IF_ERROR(ExpectRows("x", in[0], {DType::kF32}));
  RETURN_IF_ERROR(ExpectStorable(to, in[0].shape[1]));
  return std::vector{TensorSpec{to, in[0].shape}};
}

// Maximum, quotient, rounding and sum of an element.
Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  return ElementwiseCost(in, out, extents, 4);
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  for (int64_t r = 0; r < NumRows(args.in[0], args.extents); ++r) {
    StoreRow(op.as<Quantise>().to, FloatRow(args.in[0], r), RowAt(args.out[0], r));
  }
}

std::string Describe(const OpRef& op) { return "to=" + std::string(Name(op.as<Quantise>().to)); }

constexpr OpSchema kSchema = {
    .name = "quantise", .infer = Infer, .cost = CostOf, .reference = Reference, .describe = Describe};

}  // namespace

const OpSchema& SchemaOf(const Quantise&) { return kSchema; }

OpRef Convert(DType to) { return OpRef(kSchema, Quantise{.to = to}); }

}  // namespace engine
