#include "backends/gpu/linear_launch.h"

#include <algorithm>
#include <bit>

#include "backends/gpu/launch.h"
#include "backends/gpu/narrow_rows.h"
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

void EnqueueBlocks(const LaunchArgs& launch, const BlockKernels& kernels, LinearArgs args) {
  if (args.rows > kPanelTokens) return EnqueueTile(launch, kernels.tile, args);
  const KernelInstance& several = args.rows <= kFewTokens ? kernels.few : kernels.some;
  const int64_t parts = args.rows <= kFewTokens ? 1 : DivideUp(args.rows, kSomeTokens);
  args.token_parts = static_cast<uint8_t>(parts);
  // As many panels for each block as let all of them run at once; the parts of tokens share what they read.
  const int64_t panels = NumPanels(args.n), panels_of_block = DivideUp(panels * parts, kPanelBlocks);
  Enqueue(launch, args.rows == 1 ? kernels.one : several, {.x = DivideUp(panels, panels_of_block) * parts}, args);
}

// Slots share the chunks of a row only where there are too few tokens to share its weights.
void EnqueuePlain(const LaunchArgs& launch, const PlainKernels& kernels, LinearArgs args) {
  const int64_t tiles = args.rows == 1 ? 1 : DivideUp(args.rows, kSlotTokens);
  const auto chunks = static_cast<uint64_t>(DivideUp(args.k, kChunkValues));
  const int slots = args.rows == 1 ? kPlainSlots<1> : kPlainSlots<kSlotTokens>;
  args.chunk_slots = tiles >= slots ? 1 : static_cast<int>(std::bit_ceil(std::min<uint64_t>(chunks, slots)));
  const int64_t units = NumPanels(args.n) * tiles;
  Enqueue(launch, args.rows == 1 ? kernels.one : kernels.tile, {.x = DivideUp(units, slots / args.chunk_slots)}, args);
}

// Rows that wait in scratch as f16: 28 MiB for 14336 columns, and hundreds of blocks even so.
constexpr int kNarrowRowsAtOnce = 1024;

// Rows from `first` on, as many as scratch has room for, as f16.
LinearArgs NarrowedSlice(const LaunchArgs& launch, LinearArgs args, int first, std::byte* scratch) {
  const auto* const x = reinterpret_cast<const float*>(args.x) + int64_t{first} * args.k;
  args.rows = std::min(args.rows - first, kNarrowRowsAtOnce);
  auto* const narrow = reinterpret_cast<uint16_t*>(scratch);
  auto* const scales = reinterpret_cast<float*>(narrow + int64_t{args.rows} * args.k);
  Enqueue(launch, kNarrowRows, {.x = args.rows}, NarrowRowsArgs{.x = x, .out = narrow, .scales = scales, .k = args.k});
  args.x = scratch;
  args.x_scales = scales;
  if (args.num_weights == 1) args.weights[0].y += int64_t{first} * args.n;
  if (args.num_weights == 2) args.out += first * args.out_row_bytes;
  return args;
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

absl::Status RequireMatrixUnits(const Problem& problem) {
  const TensorSpec& weight = problem.in[1];
  RETURN_IF_ERROR(RequirePanels(problem.in[0], weight));
  if (weight.dtype != DType::kBF16 && weight.dtype != DType::kF16) {
    return Unimplemented("w is %s; needs bf16 or f16", Name(weight.dtype));
  }
  if (weight.shape[1] % kNarrowGroupValues != 0) {
    return Unimplemented("rows of w have %d values; needs a multiple of %d", weight.shape[1], kNarrowGroupValues);
  }
  if (weight.dtype == DType::kF16 && problem.device.isa == "gfx90a") {
    return Unimplemented("matrix units of gfx90a take denormal f16 for 0");
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

void EnqueueMatrixLinear(const LaunchArgs& launch, DType weight, LinearArgs args, std::byte* scratch) {
  if (args.rows <= kSmallTokens) return EnqueueLinear(launch, weight, args);
  args.panel_bytes = PanelBytes(weight, args.k);
  if (weight == DType::kBF16) return EnqueueTile(launch, kLinearBF16Matrix, args);
  for (int first = 0; first < args.rows; first += kNarrowRowsAtOnce) {
    EnqueueTile(launch, kLinearF16Matrix, NarrowedSlice(launch, args, first, scratch));
  }
}

void EnqueueLinearOfRows(const LaunchArgs& launch, const LinearArgs& args) {
  EnqueueTile(launch, kLinearBF16Rows, args);
}

int64_t MatrixScratchBytes(DType weight, int64_t max_rows, int64_t k) {
  if (weight == DType::kBF16 || max_rows <= kSmallTokens) return 0;
  return std::min<int64_t>(max_rows, kNarrowRowsAtOnce) * (k * 2 + 4);
}

}  // namespace engine::gpu
