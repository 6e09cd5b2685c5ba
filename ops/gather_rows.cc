#include "ops/gather_rows.h"

#include <cstring>

#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/rows.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef&, std::span<const TensorSpec> in) {
  RETURN_IF_ERROR(ExpectInputs(in, {"x", "rows"}));
  RETURN_IF_ERROR(ExpectRows("x", in[0], {DType::kF32}));
  RETURN_IF_ERROR(Expect("rows", in[1], {DType::kI32, {in[1].shape.leading()}}));
  return std::vector{TensorSpec{DType::kF32, {in[1].shape.leading(), in[0].shape[1]}}};
}

Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  return {.bytes = BytesOf(in[1], extents) + 2 * BytesOf(out[0], extents), .operations = 0};
}

void Reference(const OpRef&, const LaunchArgs& args) {
  const int32_t* rows = args.in[1].as<int32_t>();
  for (int64_t m = 0; m < NumRows(args.out[0], args.extents); ++m) {
    std::memcpy(RowAt(args.out[0], m), RowAt(args.in[0], rows[m]), args.out[0].spec->row_bytes());
  }
}

constexpr OpSchema kSchema = {.name = "gather_rows", .infer = Infer, .cost = CostOf, .reference = Reference};

}  // namespace

const OpSchema& SchemaOf(const GatherRows&) { return kSchema; }

}  // namespace engine
