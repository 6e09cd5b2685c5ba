#include "backends/gpu/silu_mul.h"

#include "backends/gpu/enqueue_row_parts.h"
#include "backends/gpu/op_kernels.h"
#include "ops/silu_mul.h"

namespace engine::gpu {

KernelEntry SiluMulKernel() {
  return {.name = "silu_mul.gpu",
          .op = &SchemaOf(SiluMul{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return MakeKernel([op = problem.op.as<SiluMul>()](const LaunchArgs& args) {
              EnqueueRowParts(args, kSiluMul,
                              SiluMulArgs{.gate = args.in[0].as<const float>(),
                                          .up = args.in[1].as<const float>(),
                                          .activation = op.activation,
                                          .out_dtype = op.out});
            });
          }};
}

}  // namespace engine::gpu
