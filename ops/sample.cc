#include "ops/sample.h"

#include "core/kernel/kernel.h"
#include "ops/expect.h"
#include "ops/rows.h"
#include "ops/sample_row.h"

namespace engine {
namespace {

absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, std::span<const TensorSpec> in) {
  const int vocab = op.as<Sample>().vocab;
  RETURN_IF_ERROR(ExpectInputs(in, {"logits", "rows", "adjustments", "masks"}));
  RETURN_IF_ERROR(ExpectRows("logits", in[0], {DType::kF32}));
  if (vocab < 1 || vocab > in[0].shape[1]) {
    return InvalidArgument("vocab is %d; it must be 1 to the %d columns of the logits", vocab, in[0].shape[1]);
  }
  const int64_t rows = in[0].shape.leading();
  RETURN_IF_ERROR(Expect("rows", in[1], {DType::kU8, {rows, sizeof(SamplingRow)}}));
  RETURN_IF_ERROR(ExpectRows("adjustments", in[2], {DType::kU8}, sizeof(TokenAdjustment)));
  const auto mask_bytes = static_cast<int64_t>(TokenMaskWords(vocab) * sizeof(uint32_t));
  RETURN_IF_ERROR(Expect("masks", in[3], {DType::kU8, {rows, mask_bytes}}));
  return std::vector{TensorSpec{DType::kI32, {rows}}, TensorSpec{DType::kU8, {rows, sizeof(SampledToken)}}};
}

// About 20 for an exponential per logit.
Cost CostOf(const OpRef&, std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents) {
  return {.bytes = BytesOf(in.first(2), extents) + BytesOf(out, extents),
          .operations = 20 * ElementsOf(in[0], extents)};
}

void Reference(const OpRef& op, const LaunchArgs& args) {
  const auto* rows = args.in[1].as<const SamplingRow>();
  const auto* adjustments = args.in[2].as<const TokenAdjustment>();
  for (int64_t m = 0; m < NumRows(args.in[0], args.extents); ++m) {
    const SamplingRow& row = rows[m];
    const std::span adjusted(adjustments + row.adjustments_begin, adjustments + row.adjustments_end);
    const int vocab = op.as<Sample>().vocab;
    const SampledToken sampled =
        SampleRow(FloatRow(args.in[0], m).first(vocab), row, adjusted, MaskOfRow(args.in[3], m, row, vocab));
    args.out[0].as<int32_t>()[m] = sampled.id;
    args.out[1].as<SampledToken>()[m] = sampled;
  }
}

std::string Describe(const OpRef& op) { return absl::StrFormat("vocab=%d", op.as<Sample>().vocab); }

constexpr OpSchema kSchema = {
    .name = "sample", .infer = Infer, .cost = CostOf, .reference = Reference, .describe = Describe};

}  // namespace

const OpSchema& SchemaOf(const Sample&) { return kSchema; }

}  // namespace engine
