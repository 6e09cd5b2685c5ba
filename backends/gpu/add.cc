#include "ops/add.h"

#include "backends/gpu/add.h"
#include "backends/gpu/launch.h"
#include "backends/gpu/op_kernels.h"

namespace engine::gpu {
namespace {

// Of a block. Four per thread hide a block's start behind its loads.
constexpr int64_t kElements = int64_t{4} * kAdd.threads;

void Launch(const LaunchArgs& args) {
  const int64_t count = RowsOf(args.out[0], args) * args.out[0].spec->shape.row_elements();
  Enqueue(args, kAdd, {.x = DivideUp(count, kElements)},
          AddArgs{.a = args.in[0].as<const float>(),
                  .b = args.in[1].as<const float>(),
                  .out = args.out[0].as<float>(),
                  .count = count});
}

}  // namespace

KernelEntry AddKernel() {
  return {.name = "add.gpu",
          .op = &SchemaOf(Add{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem&) -> absl::StatusOr<std::unique_ptr<Kernel>> { return MakeKernel(Launch); }};
}

}  // namespace engine::gpu
