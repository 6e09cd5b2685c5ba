#include "ops/rope.h"

#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/rotate_head.h"
#include "ops/rows.h"
#include "ops/store_row.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  RETURN_IF_ERROR(ExpectInputs(in, {"x", "positions", "table"}));
  RETURN_IF_ERROR(ExpectRopeInputs(op.as<Rope>(), in));
  return std::vector{TensorSpec{op.as<Rope>().out, in[0].shape}};
}

// Reads one table row per token, not the table. A product and a multiply-add per element.
Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  const int64_t tokens = Resolve(in[0].shape.leading(), extents);
  return {.bytes = BytesOf(in.first(2), extents) + tokens * in[2].row_bytes() + BytesOf(out, extents),
          .operations = 3 * ElementsOf(out[0], extents)};
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const Rope& rope = op.as<Rope>();
  for (int64_t t = 0; t < NumRows(args.in[0], args.extents); ++t) {
    const std::span<const float> x = FloatRow(args.in[0], t);
    const std::span<const float> angles = FloatRow(args.in[2], args.in[1].as<int32_t>()[t]);
    std::vector<float> y(x.begin(), x.end());
    for (int head = 0; head < rope.heads; ++head) {
      RotateHead(angles, std::span(y).subspan(static_cast<size_t>(head) * rope.head_dim, rope.head_dim));
    }
    StoreRow(rope.out, y, RowAt(args.out[0], t));
  }
}

std::string Describe(const OpRef& op) {
  const Rope& rope = op.as<Rope>();
  return absl::StrFormat("heads=%d, head_dim=%d, rotary_dim=%d, out=%s", rope.heads, rope.head_dim, rope.rotary_dim,
                         Name(rope.out));
}

constexpr OpSchema kSchema = {
    .name = "rope", .infer = Infer, .cost = CostOf, .reference = Reference, .describe = Describe};

}  // namespace

const OpSchema& SchemaOf(const Rope&) { return kSchema; }

}  // namespace engine
