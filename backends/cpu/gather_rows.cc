#include "ops/gather_rows.h"

#include <cstring>

#include "backends/cpu/op_kernels.h"
#include "backends/cpu/row_kernel.h"

namespace engine::cpu {
namespace {

void Gather(const LaunchArgs& args, int64_t begin, int64_t end) {
  const int64_t row_bytes = args.out[0].spec->row_bytes();
  const int32_t* rows = args.in[1].as<const int32_t>();
  for (int64_t m = begin; m < end; ++m) {
    std::memcpy(args.out[0].data + m * row_bytes, args.in[0].data + rows[m] * row_bytes, row_bytes);
  }
}

}  // namespace

KernelEntry GatherRowsCopy() {
  return {.name = "gather_rows.copy",
          .op = &SchemaOf(GatherRows{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return MakeRowKernel(problem.out[0].shape.leading(), Gather);
          }};
}

}  // namespace engine::cpu
