#include "backends/gpu/gather_rows.h"

#include "backends/gpu/launch.h"
#include "backends/gpu/op_kernels.h"
#include "ops/gather_rows.h"

namespace engine::gpu {
namespace {

void Launch(const LaunchArgs& launch) {
  Enqueue(launch, kGatherRows, {.x = RowsOf(launch.out[0], launch)},
          GatherRowsArgs{.x = launch.in[0].as<const float>(),
                         .rows = launch.in[1].as<const int32_t>(),
                         .out = launch.out[0].as<float>(),
                         .d = launch.out[0].spec->shape.row_elements()});
}

}  // namespace

KernelEntry GatherRowsKernel() {
  return {.name = "gather_rows.gpu",
          .op = &SchemaOf(GatherRows{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem&) -> absl::StatusOr<std::unique_ptr<Kernel>> { return MakeKernel(Launch); }};
}

}  // namespace engine::gpu
