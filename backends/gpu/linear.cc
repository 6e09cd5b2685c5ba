#include "ops/linear.h"

#include "backends/gpu/launch.h"
#include "backends/gpu/linear_launch.h"
#include "backends/gpu/op_kernels.h"

namespace engine::gpu {
namespace {

LinearArgs ArgsOf(const LaunchArgs& launch, bool has_bias) {
  const TensorSpec& weight = *launch.in[1].spec;
  LinearArgs args = {.x = launch.in[0].data,
                     .weights = {WeightOf(launch, 1, 2, launch.out[0].as<float>())},
                     .num_weights = 1,
                     .rows = static_cast<int>(RowsOf(launch.out[0], launch)),
                     .n = static_cast<int>(weight.shape[0]),
                     .k = static_cast<int>(weight.shape[1])};
  if (has_bias) args.weights[0].bias = launch.in.back().as<const float>();
  return args;
}

class MatrixLinear : public Kernel {
 public:
  explicit MatrixLinear(const Problem& problem)
      : has_bias_(problem.op.as<Linear>().bias),
        weight_(problem.in[1].dtype),
        scratch_bytes_(MatrixScratchBytes(weight_, problem.max_rows(), problem.in[1].shape[1])) {}

  int64_t scratch_bytes() const override { return scratch_bytes_; }
  void Launch(const LaunchArgs& launch) const override {
    EnqueueMatrixLinear(launch, weight_, ArgsOf(launch, has_bias_), launch.scratch.data());
  }

 private:
  bool has_bias_;
  DType weight_;
  int64_t scratch_bytes_;
};

}  // namespace

KernelEntry LinearKernel() {
  return {.name = "linear.panel32.gpu",
          .op = &SchemaOf(Linear{}),
          .supports = [](const Problem& problem) { return RequirePanels(problem.in[0], problem.in[1]); },
          .weight_layouts = PanelLayouts,
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            const bool has_bias = problem.op.as<Linear>().bias;
            return MakeKernel([has_bias](const LaunchArgs& launch) {
              EnqueueLinear(launch, launch.in[1].spec->dtype, ArgsOf(launch, has_bias));
            });
          }};
}

KernelEntry MatrixLinearKernel() {
  return {.name = "linear.matrix.gpu",
          .op = &SchemaOf(Linear{}),
          .exactness = Exactness::kFast,
          .supports = RequireMatrixUnits,
          .weight_layouts = PanelLayouts,
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return std::make_unique<MatrixLinear>(problem);
          }};
}

}  // namespace engine::gpu
