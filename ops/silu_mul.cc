#include "ops/silu_mul.h"

#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/rows.h"
#include "ops/store_row.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const DType out = op.as<SiluMul>().out;
  RETURN_IF_ERROR(ExpectInputs(in, {"gate", "up"}));
  RETURN_IF_ERROR(ExpectRows("gate", in[0], {DType::kF32}));
  RETURN_IF_ERROR(Expect("up", in[1], in[0]));
  RETURN_IF_ERROR(ExpectStorable(out, in[0].shape[1]));
  return std::vector{TensorSpec{out, in[0].shape}};
}

// About 20 for the exponential and its quotient.
Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  return ElementwiseCost(in, out, extents, 20);
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const SiluMul& attributes = op.as<SiluMul>();
  std::vector<float> product(args.in[0].spec->shape[1]);
  for (int64_t r = 0; r < NumRows(args.in[0], args.extents); ++r) {
    const std::span<const float> gate = FloatRow(args.in[0], r);
    const std::span<const float> up = FloatRow(args.in[1], r);
    for (size_t i = 0; i < product.size(); ++i) product[i] = Activate(attributes.activation, gate[i]) * up[i];
    StoreRow(attributes.out, product, RowAt(args.out[0], r));
  }
}

std::string Describe(const OpRef& op) {
  const SiluMul& attributes = op.as<SiluMul>();
  return absl::StrFormat("activation=%s, out=%s", Name(attributes.activation), Name(attributes.out));
}

constexpr OpSchema kSchema = {.name = "silu_mul",
                              .infer = Infer,
                              .cost = CostOf,
                              .reference = Reference,
                              .describe = Describe,
                              .with_output_dtype = StoringAs<SiluMul>};

}  // namespace

const OpSchema& SchemaOf(const SiluMul&) { return kSchema; }

}  // namespace engine
