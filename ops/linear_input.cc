#include "ops/linear_input.h"

#include "ops/expect.h"

namespace engine {
namespace {

std::string_view WeightsOf(LinearInput input) {
  if (input == LinearInput::kQ8Group) return "block-quantised";
  return input == LinearInput::kBf16 ? "bf16" : "f32 or f16";
}

}  // namespace

absl::Status ExpectLinearInput(LinearInput input, const TensorSpec& x) {
  RETURN_IF_ERROR(ExpectRows("x", x, {DType::kF32, InputDType(input)}));
  return ExpectStorable(InputDType(input), x.shape[1]);
}

absl::Status ExpectLinearWeight(std::string_view name, LinearInput input, const TensorSpec& weight, int64_t k) {
  RETURN_IF_ERROR(ExpectWeight(name, weight, k));
  const bool is_weight = IsBlockQuantised(weight.dtype) || weight.dtype == DType::kF32 || weight.dtype == DType::kF16 ||
                         weight.dtype == DType::kBF16;
  if (is_weight && InputFor(weight.dtype) == input) return absl::OkStatus();
  return InvalidArgument("%s is %s; with %s input it must be %s", name, weight.to_string(), Name(input),
                         WeightsOf(input));
}

}  // namespace engine
