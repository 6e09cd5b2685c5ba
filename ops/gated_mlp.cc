#include "ops/gated_mlp.h"

#include "core/base/check.h"
#include "core/graph/builder.h"
#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/linear_input.h"
#include "ops/rows.h"
#include "ops/silu_mul.h"
#include "ops/store_row.h"
#include "ops/weight_dot.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const GatedMlp& mlp = op.as<GatedMlp>();
  const bool row_scales = in.size() > 1 && NeedRowScales(in[1].dtype);
  RETURN_IF_ERROR(row_scales ? ExpectInputs(in, {"x", "gate", "up", "gate_scale", "up_scale"})
                             : ExpectInputs(in, {"x", "gate", "up"}));
  RETURN_IF_ERROR(ExpectLinearInput(mlp.input, in[0]));
  RETURN_IF_ERROR(ExpectLinearWeight("gate", mlp.input, in[1], in[0].shape[1]));
  RETURN_IF_ERROR(ExpectLinearWeight("up", mlp.input, in[2], in[0].shape[1]));
  if (in[1].dtype != in[2].dtype || in[1].shape != in[2].shape) {
    return InvalidArgument("gate is %s and up is %s; they must have one dtype and shape", in[1].to_string(),
                           in[2].to_string());
  }
  const int64_t n = in[1].shape[0];
  for (size_t i = 3; i < in.size(); ++i) RETURN_IF_ERROR(Expect("a scale", in[i], {DType::kF32, {n}}));
  RETURN_IF_ERROR(ExpectStorable(mlp.out, n));
  return std::vector{TensorSpec{mlp.out, {in[0].shape.leading(), n}}};
}

// Two multiply-adds per weight pair, and the gate function as in silu_mul.
Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  return ElementwiseCost(in, out, extents, 4 * in[1].shape[1] + 20);
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const GatedMlp& mlp = op.as<GatedMlp>();
  const Tensor& x = args.in[0];
  const auto dot = [&](int index, int64_t r, int64_t j) {
    const Tensor& w = args.in[index];
    const float sum = WeightDot(mlp.input, RowAt(x, r), w.spec->dtype, RowAt(w, j), w.spec->shape[1]);
    return NeedRowScales(w.spec->dtype) ? sum * FloatVector(args.in[index + 2])[j] : sum;
  };
  ENGINE_CHECK(x.spec->dtype == InputDType(mlp.input));
  ENGINE_CHECK(args.in[1].spec->layout == kRowMajor && args.in[2].spec->layout == kRowMajor);
  std::vector<float> product(args.out[0].spec->shape[1]);
  for (int64_t r = 0; r < NumRows(args.out[0], args.extents); ++r) {
    for (size_t j = 0; j < product.size(); ++j) {
      const auto row = static_cast<int64_t>(j);
      product[j] = Activate(mlp.activation, dot(1, r, row)) * dot(2, r, row);
    }
    StoreRow(mlp.out, product, RowAt(args.out[0], r));
  }
}

std::string Describe(const OpRef& op) {
  const GatedMlp& mlp = op.as<GatedMlp>();
  return absl::StrFormat("input=%s, activation=%s, out=%s", Name(mlp.input), Name(mlp.activation), Name(mlp.out));
}

absl::StatusOr<std::vector<ValueId>> Decompose(const OpRef& op, GraphBuilder& builder, std::span<const ValueId> in) {
  const GatedMlp& mlp = op.as<GatedMlp>();
  const auto product = [&](int index) {
    std::vector<ValueId> inputs = {in[0], in[index]};
    if (in.size() > 3) inputs.push_back(in[index + 2]);
    return builder.Add(Linear{.input = mlp.input}, std::move(inputs));
  };
  const ValueId gate = product(1);
  const ValueId up = product(2);
  const ValueId out = builder.Add(SiluMul{.activation = mlp.activation, .out = mlp.out}, {gate, up});
  RETURN_IF_ERROR(builder.status());
  return std::vector{out};
}

std::optional<DType> WantedInput(const OpRef& op, int index) {
  const LinearInput input = op.as<GatedMlp>().input;
  if (index != 0 || input == LinearInput::kF32) return std::nullopt;
  return InputDType(input);
}

constexpr OpSchema kSchema = {.name = "gated_mlp",
                              .infer = Infer,
                              .cost = CostOf,
                              .reference = Reference,
                              .describe = Describe,
                              .decompose = Decompose,
                              .input_dtype = WantedInput,
                              .with_output_dtype = StoringAs<GatedMlp>};

}  // namespace

const OpSchema& SchemaOf(const GatedMlp&) { return kSchema; }

}  // namespace engine
