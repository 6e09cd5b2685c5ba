#include "ops/gated_mlp.h"

#include <algorithm>

#include "backends/gpu/launch.h"
#include "backends/gpu/linear_launch.h"
#include "backends/gpu/op_kernels.h"

namespace engine::gpu {
namespace {

// Rows whose sums of chunks wait in scratch: 28 MiB for 14336 columns, and thousands of blocks even so.
constexpr int64_t kSliceRows = 256;

// Both products and the gate in one launch, whose blocks have the same panel of both weights. Matrix units keep sums of more
// than one chunk of quantised weights in scratch, so there the rows come in slices; of f16 it has narrowed rows.
class FusedGatedMlp : public Kernel {
 public:
  FusedGatedMlp(const Problem& problem, bool on_matrix_units)
      : on_matrix_units_(on_matrix_units),
        activation_(problem.op.as<GatedMlp>().activation),
        n_(problem.in[1].shape[0]),
        k_(problem.in[1].shape[1]),
        needs_scratch_(IsBlockQuantised(problem.in[1].dtype) && k_ > kChunkValues && problem.max_rows() > kPanelTokens),
        slice_rows_(needs_scratch_ ? std::min(problem.max_rows(), kSliceRows) : problem.max_rows()),
        matrix_bytes_(on_matrix_units ? MatrixScratchBytes(problem.in[1].dtype, problem.max_rows(), k_) : 0) {}

  int64_t scratch_bytes() const override {
    return needs_scratch_ ? 2 * slice_rows_ * n_ * static_cast<int64_t>(sizeof(float)) : matrix_bytes_;
  }

  void Launch(const LaunchArgs& launch) const override {
    ForEachSlice(launch, slice_rows_, [&](int64_t first, int64_t rows) { LaunchSlice(launch, first, rows); });
  }

 private:
  void LaunchSlice(const LaunchArgs& launch, int64_t first, int64_t rows) const {
    const TensorSpec& out = *launch.out[0].spec;
    auto* const gate = needs_scratch_ ? reinterpret_cast<float*>(launch.scratch.data()) : nullptr;
    float* const up = needs_scratch_ ? gate + rows * n_ : nullptr;
    const LinearArgs args = {.x = launch.in[0].data + first * launch.in[0].spec->row_bytes(),
                             .weights = {WeightOf(launch, 1, 3, gate), WeightOf(launch, 2, 4, up)},
                             .num_weights = 2,
                             .rows = static_cast<int>(rows),
                             .n = static_cast<int>(n_),
                             .k = static_cast<int>(k_),
                             .out = launch.out[0].data + first * out.row_bytes(),
                             .out_row_bytes = out.row_bytes(),
                             .out_dtype = out.dtype,
                             .activation = activation_};
    const DType weight = launch.in[1].spec->dtype;
    if (on_matrix_units_) return EnqueueMatrixLinear(launch, weight, args, launch.scratch.data());
    EnqueueLinear(launch, weight, args);
  }

  bool on_matrix_units_;  // of bf16 and f16, class fast; all others use them as they like
  Activation activation_;
  int64_t n_;
  int64_t k_;
  bool needs_scratch_;
  int64_t slice_rows_;
  int64_t matrix_bytes_;
};

absl::Status Supports(const Problem& problem) {
  RETURN_IF_ERROR(RequirePanels(problem.in[0], problem.in[1]));
  return RequirePanels(problem.in[0], problem.in[2]);
}

}  // namespace

KernelEntry GatedMlpKernel() {
  return {.name = "gated_mlp.panel32.gpu",
          .op = &SchemaOf(GatedMlp{}),
          .supports = Supports,
          .weight_layouts = PanelLayouts,
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return std::make_unique<FusedGatedMlp>(problem, false);
          }};
}

KernelEntry MatrixGatedMlpKernel() {
  return {.name = "gated_mlp.matrix.gpu",
          .op = &SchemaOf(GatedMlp{}),
          .exactness = Exactness::kFast,
          .supports = RequireMatrixUnits,
          .weight_layouts = PanelLayouts,
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return std::make_unique<FusedGatedMlp>(problem, true);
          }};
}

}  // namespace engine::gpu
