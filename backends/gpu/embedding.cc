#include "backends/gpu/embedding.h"

#include "backends/gpu/launch.h"
#include "backends/gpu/op_kernels.h"
#include "backends/gpu/panel_layout.h"
#include "backends/gpu/weight_panel.h"
#include "ops/embedding.h"

namespace engine::gpu {
namespace {

// Of block formats and others.
constexpr LayoutId kBlockLayouts[] = {kPanel32};
constexpr LayoutId kPlainLayouts[] = {kPanel32, kRowMajor};

void Launch(const LaunchArgs& launch, float scale) {
  const Tensor& table = launch.in[1];
  Enqueue(launch, kEmbedding, {.x = RowsOf(launch.out[0], launch)},
          EmbeddingArgs{.tokens = launch.in[0].as<const int32_t>(),
                        .previous = launch.in[2].as<const int32_t>(),
                        .table = table.data,
                        .out = launch.out[0].as<float>(),
                        .d = static_cast<int>(launch.out[0].spec->shape.row_elements()),
                        .block_shift = BlockShift(table.spec->dtype),
                        .panel_bytes = table.spec->layout == kRowMajor
                                           ? 0
                                           : PanelBytes(table.spec->dtype, launch.out[0].spec->shape.row_elements()),
                        .scale = scale,
                        .table_dtype = table.spec->dtype});
}

}  // namespace

KernelEntry EmbeddingKernel() {
  return {.name = "embedding.gpu",
          .op = &SchemaOf(Embedding{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .weight_layouts = [](const Problem& problem, int index) -> std::span<const LayoutId> {
            if (IsBlockQuantised(problem.in[index].dtype)) return kBlockLayouts;
            return kPlainLayouts;
          },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return MakeKernel(
                [scale = problem.op.as<Embedding>().scale](const LaunchArgs& launch) { Launch(launch, scale); });
          }};
}

}  // namespace engine::gpu
