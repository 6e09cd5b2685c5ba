#include "ops/all_gather.h"

#include "ops/expect.h"
#include "ops/rows.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  RETURN_IF_ERROR(ExpectInputs(in, {"x"}));
  RETURN_IF_ERROR(ExpectRows("x", in[0], {DType::kF32}));
  return std::vector{TensorSpec{DType::kF32, {in[0].shape.leading(), in[0].shape[1] * op.as<AllGather>().ranks}}};
}

Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  return {.bytes = BytesOf(in[0], extents) + BytesOf(out[0], extents), .operations = 0};
}

std::string Describe(const OpRef& op) { return absl::StrFormat("ranks=%d", op.as<AllGather>().ranks); }

constexpr OpSchema kSchema = {.name = "all_gather", .infer = Infer, .cost = CostOf, .describe = Describe};

}  // namespace

const OpSchema& SchemaOf(const AllGather&) { return kSchema; }

}  // namespace engine
