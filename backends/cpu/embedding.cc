#include "ops/embedding.h"

#include <algorithm>

#include "backends/cpu/op_kernels.h"
#include "backends/cpu/panel_layout.h"
#include "backends/cpu/row_kernel.h"
#include "backends/cpu/wide_layout.h"
#include "core/weights/quant.h"

namespace engine::cpu {
namespace {

// A table of its own stays in the mapped checkpoint; one that an output head shares takes the head's layout.
constexpr LayoutId kTableLayouts[] = {kRowMajor, kPanel16};
constexpr LayoutId kPlainTableLayouts[] = {kRowMajor, kPanel16, kPanel64};

std::span<const LayoutId> LayoutsOf(const Problem& problem, int index) {
  if (WideLayout().holds(problem.in[index].dtype)) return kPlainTableLayouts;
  return kTableLayouts;
}

void ReadTableRow(const Tensor& table, int64_t id, std::span<float> out) {
  if (table.spec->layout == kPanel16) return UnpackPanelRow(table.spec->dtype, table.data, id, out);
  if (table.spec->layout == kPanel64) return UnpackWideRow(table.spec->dtype, table.data, id, out);
  const auto row_bytes = static_cast<size_t>(table.spec->row_bytes());
  DequantizeRow(table.spec->dtype, {table.data + id * row_bytes, row_bytes}, out);
}

struct TableRows {
  Embedding op;

  void operator()(const LaunchArgs& args, int64_t begin, int64_t end) const {
    const int32_t* tokens = args.in[0].as<const int32_t>();
    const int32_t* previous = args.in[2].as<const int32_t>();
    const int64_t columns = args.out[0].spec->shape.row_elements();
    for (int64_t t = begin; t < end; ++t) {
      const int32_t id = tokens[t] >= 0 ? tokens[t] : previous[-1 - tokens[t]];
      const std::span<float> out(args.out[0].as<float>() + t * columns, columns);
      if (id < 0) {
        std::fill(out.begin(), out.end(), 0.0f);
        continue;
      }
      ReadTableRow(args.in[1], id, out);
      for (float& value : out) value *= op.scale;
    }
  }
};

}  // namespace

KernelEntry EmbeddingRows() {
  return {.name = "embedding.rows",
          .op = &SchemaOf(Embedding{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .weight_layouts = LayoutsOf,
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return MakeRowKernel(problem.out[0].shape.leading(), TableRows{problem.op.as<Embedding>()});
          }};
}

}  // namespace engine::cpu
