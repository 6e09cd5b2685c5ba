#include "ops/add.h"

#include "backends/cpu/op_kernels.h"
#include "backends/cpu/row_kernel.h"

namespace engine::cpu {
namespace {

// Waits for memory whatever the vector width.
void AddRowRange(const LaunchArgs& args, int64_t begin, int64_t end) {
  const int64_t columns = args.out[0].spec->shape.row_elements();
  const float* a = args.in[0].as<const float>();
  const float* b = args.in[1].as<const float>();
  float* out = args.out[0].as<float>();
  for (int64_t i = begin * columns; i < end * columns; ++i) out[i] = a[i] + b[i];
}

}  // namespace

KernelEntry AddRows() {
  return {.name = "add.rows",
          .op = &SchemaOf(Add{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return MakeRowKernel(problem.out[0].shape.leading(), AddRowRange);
          }};
}

}  // namespace engine::cpu
