#include "backends/gpu/rms_norm.h"

#include "backends/gpu/launch.h"
#include "backends/gpu/op_kernels.h"
#include "ops/add_rms_norm.h"
#include "ops/rms_norm.h"

namespace engine::gpu {
namespace {

// The weight is the last input and y the last output of both ops.
RmsNormArgs ArgsOf(const LaunchArgs& launch, float epsilon) {
  const Tensor& y = launch.out.back();
  return {.x = launch.in[0].as<const float>(),
          .weight = launch.in.back().as<const float>(),
          .y = y.data,
          .y_row_bytes = y.spec->row_bytes(),
          .d = static_cast<int>(y.spec->shape.row_elements()),
          .epsilon = epsilon,
          .y_dtype = y.spec->dtype};
}

}  // namespace

KernelEntry RmsNormKernel() {
  return {.name = "rms_norm.gpu",
          .op = &SchemaOf(RmsNorm{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return MakeKernel([epsilon = problem.op.as<RmsNorm>().epsilon](const LaunchArgs& launch) {
              Enqueue(launch, kRmsNorm, {.x = RowsOf(launch.out[0], launch)}, ArgsOf(launch, epsilon));
            });
          }};
}

KernelEntry AddRmsNormKernel() {
  return {.name = "add_rms_norm.gpu",
          .op = &SchemaOf(AddRmsNorm{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return MakeKernel([epsilon = problem.op.as<AddRmsNorm>().epsilon](const LaunchArgs& launch) {
              RmsNormArgs args = ArgsOf(launch, epsilon);
              args.delta = launch.in[1].as<const float>();
              args.sum = launch.out[0].as<float>();
              Enqueue(launch, kAddRmsNorm, {.x = RowsOf(launch.out[0], launch)}, args);
            });
          }};
}

}  // namespace engine::gpu
