#include "ops/qk_norm_rope.h"

#include "core/graph/builder.h"
#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/head_rms_norm.h"
#include "ops/norm_row.h"
#include "ops/rope.h"
#include "ops/rotate_head.h"
#include "ops/rows.h"
#include "ops/store_row.h"

namespace engine {
namespace {

Rope RopeOf(const QkNormRope& op) {
  return {.heads = op.heads, .head_dim = op.head_dim, .rotary_dim = op.rotary_dim, .out = op.out};
}

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const QkNormRope& attributes = op.as<QkNormRope>();
  RETURN_IF_ERROR(ExpectInputs(in, {"x", "positions", "table", "weight"}));
  RETURN_IF_ERROR(ExpectRopeInputs(RopeOf(attributes), in));
  RETURN_IF_ERROR(Expect("weight", in[3], {DType::kF32, {attributes.head_dim}}));
  return std::vector{TensorSpec{attributes.out, in[0].shape}};
}

// head_rms_norm's 4 operations and rope's 3 per element; one table row per token.
Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  const int64_t tokens = Resolve(in[0].shape.leading(), extents);
  const int64_t read = BytesOf(in.first(2), extents) + tokens * in[2].row_bytes() + BytesOf(in[3], extents);
  return {.bytes = read + BytesOf(out, extents), .operations = 7 * ElementsOf(out[0], extents)};
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const QkNormRope& attributes = op.as<QkNormRope>();
  for (int64_t t = 0; t < NumRows(args.in[0], args.extents); ++t) {
    const std::span<const float> x = FloatRow(args.in[0], t);
    const std::span<const float> angles = FloatRow(args.in[2], args.in[1].as<int32_t>()[t]);
    std::vector<float> y(x.size());
    for (int head = 0; head < attributes.heads; ++head) {
      const size_t begin = static_cast<size_t>(head) * attributes.head_dim;
      const std::span<float> out = std::span(y).subspan(begin, attributes.head_dim);
      RmsNormRow(x.subspan(begin, attributes.head_dim), FloatVector(args.in[3]), attributes.epsilon, out);
      RotateHead(angles, out);
    }
    StoreRow(attributes.out, y, RowAt(args.out[0], t));
  }
}

std::string Describe(const OpRef& op) {
  const QkNormRope& attributes = op.as<QkNormRope>();
  return absl::StrFormat("heads=%d, head_dim=%d, rotary_dim=%d, epsilon=%g, out=%s", attributes.heads,
                         attributes.head_dim, attributes.rotary_dim, attributes.epsilon, Name(attributes.out));
}

absl::StatusOr<std::vector<ValueId>> Decompose(const OpRef& op, GraphBuilder& builder, std::span<const ValueId> in) {
  const QkNormRope& attributes = op.as<QkNormRope>();
  const HeadRmsNorm norm = {.heads = attributes.heads, .head_dim = attributes.head_dim, .epsilon = attributes.epsilon};
  const ValueId normed = builder.Add(norm, {in[0], in[3]});
  const ValueId rotated = builder.Add(RopeOf(attributes), {normed, in[1], in[2]});
  RETURN_IF_ERROR(builder.status());
  return std::vector{rotated};
}

constexpr OpSchema kSchema = {.name = "qk_norm_rope",
                              .infer = Infer,
                              .cost = CostOf,
                              .reference = Reference,
                              .describe = Describe,
                              .decompose = Decompose};

}  // namespace

const OpSchema& SchemaOf(const QkNormRope&) { return kSchema; }

}  // namespace engine
