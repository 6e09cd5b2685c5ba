#include "backends/gpu/quantise.h"

#include "backends/gpu/enqueue_row_parts.h"
#include "backends/gpu/op_kernels.h"
#include "ops/quantise.h"

namespace engine::gpu {

KernelEntry QuantiseKernel() {
  return {.name = "quantise.gpu",
          .op = &SchemaOf(Quantise{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return MakeKernel([to = problem.op.as<Quantise>().to](const LaunchArgs& args) {
              EnqueueRowParts(args, kQuantise, QuantiseArgs{.x = args.in[0].as<const float>(), .to = to});
            });
          }};
}

}  // namespace engine::gpu
