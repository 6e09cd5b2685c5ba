#include "backends/gpu/kv_write.h"

#include "backends/gpu/launch.h"
#include "backends/gpu/op_kernels.h"
#include "ops/kv_write.h"

namespace engine::gpu {
namespace {

const KernelInstance& InstanceFor(DType cache) {
  if (cache == DType::kI8) return kKvWriteInt8;
  return cache == DType::kBF16 ? kKvWriteBf16 : kKvWriteF32;
}

void Launch(const LaunchArgs& launch, const KvWrite& op) {
  const int64_t num_heads = RowsOf(launch.in[0], launch) * op.kv_heads;
  Enqueue(launch, InstanceFor(launch.in[3].spec->dtype), {.x = DivideUp(num_heads, kKvHeadsPerBlock)},
          KvWriteArgs{.k = launch.in[0].data,
                      .v = launch.in[1].as<const float>(),
                      .slots = launch.in[2].as<const int32_t>(),
                      .cache = launch.in[3].data,
                      .num_heads = num_heads,
                      .kv_heads = op.kv_heads,
                      .head_dim = op.head_dim});
}

}  // namespace

KernelEntry KvWriteKernel() {
  return {.name = "kv_write.gpu",
          .op = &SchemaOf(KvWrite{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return MakeKernel([op = problem.op.as<KvWrite>()](const LaunchArgs& launch) { Launch(launch, op); });
          }};
}

}  // namespace engine::gpu
