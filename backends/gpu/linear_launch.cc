#include "backends/gpu/linear_launch.h"

#include <algorithm>
#include <bit>

#include "backends/gpu/launch.h"
#include "backends/gpu/panel_layout.h"
#include "ops/linear.h"

namespace engine::gpu {
namespace {

static_assert(kChunkValues == kReductionChunk);

const BlockKernels& BlockKernelsOf(DType weight) {
  switch (weight) {
    case DType::kQ4_0:
      return kLinearQ4_0;
    case DType::kQ4_1:
      return kLinearQ4_1;
    case DType::kQ5_0:
      return kLinearQ5_0;
    case DType::kQ5_1:
      return kLinearQ5_1;
    case DType::kQ8_0:
      return kLinearQ8_0;
    case DType::kW8:
      return kLinearW8;
    case DType::kQ4_K:
      return kLinearQ4_K;
    case DType::kQ5_K:
      return kLinearQ5_K;
    case DType::kQ6_K:
      return kLinearQ6_K;
    case DType::kIQ4_NL:
      return kLinearIQ4_NL;
    case DType::kIQ4_XS:
      return kLinearIQ4_XS;
    default:
      return kLinearW4;
  }
}

const PlainKernels& PlainKernelsOf(DType weight) {
  if (weight == DType::kBF16) return kLinearBF16;
  return weight == DType::kF16 ? kLinearF16 : kLinearF32;
}

void EnqueueTile(const LaunchArgs& launch, const KernelInstance& kernel, const LinearArgs& args) {
  const int64_t panels = NumPanels(args.n) * args.num_weights;
  Enqueue(launch, kernel, {.x = DivideUp(panels, kTilePanels), .y = DivideUp(args.rows, kTileTokens)}, args);
}

void EnqueueBlocks(const LaunchArgs& launch, const BlockKernels& kernels, const LinearArgs& args) {
  if (args.rows > kSmallTokens) return EnqueueTile(launch, kernels.tile, args);
  const KernelInstance& few = args.rows <= kFewTokens ? kernels.few : kernels.small;
  Enqueue(launch, args.rows == 1 ? kernels.one : few, {.x = NumPanels(args.n)}, args);
}

// Slots share the chunks of a row only where there are too few tokens to share its weights.
void EnqueuePlain(const LaunchArgs& launch, const PlainKernels& kernels, LinearArgs args) {
  const int64_t tiles = args.rows == 1 ? 1 : DivideUp(args.rows, kSlotTokens);
  const auto chunks = static_cast<uint64_t>(DivideUp(args.k, kChunkValues));
  args.chunk_slots = tiles >= kSlots ? 1 : static_cast<int>(std::bit_ceil(std::min<uint64_t>(chunks, kSlots)));
  const int64_t units = NumPanels(args.n) * tiles;
  Enqueue(launch, args.rows == 1 ? kernels.one : kernels.tile, {.x = DivideUp(units, kSlots / args.chunk_slots)}, args);
}

}  // namespace

absl::Status RequirePanels(const TensorSpec& x, const TensorSpec& weight) {
  if (weight.layout != kOpenLayout && weight.layout != kPanel32) {
    return Unimplemented("w lies in %s; needs %s", weight.layout.name, kPanel32.name);
  }
  const DType wanted = InputDType(InputFor(weight.dtype));
  if (x.dtype != wanted) {
    return Unimplemented("x is %s; with %s weights it must be %s", Name(x.dtype), Name(weight.dtype), Name(wanted));
  }
  return absl::OkStatus();
}

absl::Status RequireMatrixUnits(const TensorSpec& x, const TensorSpec& weight) {
  RETURN_IF_ERROR(RequirePanels(x, weight));
  if (weight.dtype != DType::kBF16) return Unimplemented("w is %s; needs bf16", Name(weight.dtype));
  if (weight.shape[1] % kBf16GroupValues != 0) {
    return Unimplemented("rows of w have %d values; needs a multiple of %d", weight.shape[1], kBf16GroupValues);
  }
  return absl::OkStatus();
}

std::span<const LayoutId> PanelLayouts(const Problem& problem, int index) {
  static constexpr LayoutId kPanels[] = {kPanel32};
  static constexpr LayoutId kVectors[] = {kRowMajor};
  if (problem.in[index].shape.rank() < 2) return kVectors;
  return kPanels;
}

LinearWeight WeightOf(const LaunchArgs& launch, int index, int scale, float* y) {
  const Tensor& weight = launch.in[index];
  const bool scaled = NeedRowScales(weight.spec->dtype);
  return {.panels = weight.data,
          .row_scales = scaled ? launch.in[scale].as<const float>() : nullptr,
          .bias = nullptr,
          .y = y};
}

void EnqueueLinear(const LaunchArgs& launch, DType weight, LinearArgs args) {
  if (args.rows == 0) return;
  args.panel_bytes = PanelBytes(weight, args.k);
  args.block_shift = BlockShift(weight);
  if (IsBlockQuantised(weight)) return EnqueueBlocks(launch, BlockKernelsOf(weight), args);
  EnqueuePlain(launch, PlainKernelsOf(weight), args);
}

void EnqueueMatrixLinear(const LaunchArgs& launch, LinearArgs args) {
  if (args.rows <= kSmallTokens) return EnqueueLinear(launch, DType::kBF16, args);
  args.panel_bytes = PanelBytes(DType::kBF16, args.k);
  EnqueueTile(launch, kLinearBF16Matrix, args);
}

}  // namespace engine::gpu
