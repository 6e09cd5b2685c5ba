#include "ops/linear.h"

#include "core/base/check.h"
#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/linear_input.h"
#include "ops/rows.h"
#include "ops/weight_dot.h"

namespace engine {
namespace {

absl::Status ExpectLinearInputs(bool row_scales, bool bias, std::span<const TensorSpec> in) {
  if (!row_scales) return bias ? ExpectInputs(in, {"x", "w", "bias"}) : ExpectInputs(in, {"x", "w"});
  return bias ? ExpectInputs(in, {"x", "w", "scale", "bias"}) : ExpectInputs(in, {"x", "w", "scale"});
}

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const Linear& linear = op.as<Linear>();
  const bool row_scales = in.size() > 1 && NeedRowScales(in[1].dtype);
  RETURN_IF_ERROR(ExpectLinearInputs(row_scales, linear.bias, in));
  RETURN_IF_ERROR(ExpectLinearInput(linear.input, in[0]));
  RETURN_IF_ERROR(ExpectLinearWeight("w", linear.input, in[1], in[0].shape[1]));
  const int64_t n = in[1].shape[0];
  if (row_scales) RETURN_IF_ERROR(Expect("scale", in[2], {DType::kF32, {n}}));
  if (linear.bias) RETURN_IF_ERROR(Expect("bias", in.back(), {DType::kF32, {n}}));
  return std::vector{TensorSpec{DType::kF32, {in[0].shape.leading(), n}}};
}

Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  return ElementwiseCost(in, out, extents, 2 * in[1].shape[1]);
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const Linear& linear = op.as<Linear>();
  const Tensor& x = args.in[0];
  const Tensor& w = args.in[1];
  ENGINE_CHECK(x.spec->dtype == InputDType(linear.input) && w.spec->layout == kRowMajor);
  for (int64_t r = 0; r < NumRows(args.out[0], args.extents); ++r) {
    const std::span<float> out = FloatRow(args.out[0], r);
    for (int64_t j = 0; j < w.spec->shape[0]; ++j) {
      out[j] = WeightDot(linear.input, RowAt(x, r), w.spec->dtype, RowAt(w, j), w.spec->shape[1]);
      if (NeedRowScales(w.spec->dtype)) out[j] *= FloatVector(args.in[2])[j];
      if (linear.bias) out[j] += FloatVector(args.in.back())[j];
    }
  }
}

std::string Describe(const OpRef& op) {
  const Linear& linear = op.as<Linear>();
  return absl::StrFormat("input=%s%s", Name(linear.input), linear.bias ? ", bias" : "");
}

std::optional<DType> WantedInput(const OpRef& op, int index) {
  const LinearInput input = op.as<Linear>().input;
  if (index != 0 || input == LinearInput::kF32) return std::nullopt;
  return InputDType(input);
}

constexpr OpSchema kSchema = {.name = "linear",
                              .infer = Infer,
                              .cost = CostOf,
                              .reference = Reference,
                              .describe = Describe,
                              .input_dtype = WantedInput};

}  // namespace

const OpSchema& SchemaOf(const Linear&) { return kSchema; }

DType InputDType(LinearInput input) {
  if (input == LinearInput::kQ8Group) return DType::kQ8Group;
  return input == LinearInput::kBf16 ? DType::kBF16 : DType::kF32;
}

std::string_view Name(LinearInput input) { return Name(InputDType(input)); }

LinearInput InputFor(DType weight) {
  if (IsBlockQuantised(weight)) return LinearInput::kQ8Group;
  return weight == DType::kBF16 ? LinearInput::kBf16 : LinearInput::kF32;
}

}  // namespace engine
