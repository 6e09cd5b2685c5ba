#include "ops/gated_mlp.h"

#include <algorithm>

#include "backends/gpu/launch.h"
#include "backends/gpu/linear_launch.h"
#include "backends/gpu/op_kernels.h"
#include "backends/gpu/silu_mul.h"

namespace engine::gpu {
namespace {

// Rows whose products wait in scratch: 28 MiB for 14336 columns, and thousands of blocks even so.
constexpr int64_t kSliceRows = 256;

// Both products in one launch, which leaves them in scratch, then the gate: slice after slice of the rows.
class GatedProducts : public Kernel {
 public:
  explicit GatedProducts(const Problem& problem)
      : activation_(problem.op.as<GatedMlp>().activation),
        n_(problem.in[1].shape[0]),
        k_(problem.in[1].shape[1]),
        max_rows_(problem.max_rows()) {}

  int64_t scratch_bytes() const override { return 2 * std::min(max_rows_, kSliceRows) * n_ * int64_t{sizeof(float)}; }

  void Launch(const LaunchArgs& launch) const override {
    const int64_t rows = RowsOf(launch.out[0], launch);
    for (int64_t first = 0; first < rows; first += kSliceRows) {
      LaunchSlice(launch, first, std::min(rows - first, kSliceRows));
    }
  }

 private:
  void LaunchSlice(const LaunchArgs& launch, int64_t first, int64_t rows) const {
    const TensorSpec& out = *launch.out[0].spec;
    auto* const gate = reinterpret_cast<float*>(launch.scratch.data());
    float* const up = gate + rows * n_;
    EnqueueLinear(launch, launch.in[1].spec->dtype,
                  {.x = launch.in[0].data + first * launch.in[0].spec->row_bytes(),
                   .weights = {WeightOf(launch, 1, 3, gate), WeightOf(launch, 2, 4, up)},
                   .num_weights = 2,
                   .rows = static_cast<int>(rows),
                   .n = static_cast<int>(n_),
                   .k = static_cast<int>(k_)});
    const int64_t row_blocks = DivideUp(n_, kRowPartElements);
    Enqueue(launch, kSiluMul, {.x = rows * row_blocks},
            SiluMulArgs{.gate = gate,
                        .up = up,
                        .out = launch.out[0].data + first * out.row_bytes(),
                        .n = n_,
                        .out_row_bytes = out.row_bytes(),
                        .row_blocks = row_blocks,
                        .activation = activation_,
                        .out_dtype = out.dtype});
  }

  Activation activation_;
  int64_t n_;
  int64_t k_;
  int64_t max_rows_;
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
            return std::make_unique<GatedProducts>(problem);
          }};
}

}  // namespace engine::gpu
