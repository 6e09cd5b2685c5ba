#include "ops/all_gather.h"

#include "backends/gpu/launch.h"
#include "backends/gpu/op_kernels.h"

namespace engine::gpu {
namespace {

void Launch(const LaunchArgs& launch) {
  const Tensor& x = launch.in[0];
  static_cast<GpuStream&>(*launch.stream)
      .AllGather(
          {.slice = x.data, .row_bytes = x.spec->row_bytes(), .rows = RowsOf(x, launch), .out = launch.out[0].data});
}

}  // namespace

// Copies alone, between devices: no function of the GPU.
KernelEntry AllGatherKernel() {
  return {.name = "all_gather.gpu",
          .op = &SchemaOf(AllGather{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem&) -> absl::StatusOr<std::unique_ptr<Kernel>> { return MakeKernel(Launch); }};
}

}  // namespace engine::gpu
