// linear and gated_mlp by the vendor's library, where the device has one: bf16 weights in rows, class fast. How it adds
// depends on the number of rows. Where it has no algorithm, our kernel for matrix units takes rows as they are.
#include <algorithm>

#include "backends/gpu/launch.h"
#include "backends/gpu/linear_launch.h"
#include "backends/gpu/op_kernels.h"
#include "backends/gpu/silu_mul.h"
#include "ops/gated_mlp.h"
#include "ops/linear.h"

namespace engine::gpu {
namespace {

// Rows of a gated MLP at a time, whose products wait in scratch: 58 MB for 14336 columns.
constexpr int64_t kSliceRows = 512;

// Rows that are whole words of 16 bytes, as libraries want them, and whole groups, as our kernel does.
constexpr int64_t kInputStep = kNarrowGroupValues;
constexpr int64_t kOutputStep = 4;

absl::Status RequireMatrixLibrary(const Problem& problem, const TensorSpec& x, const TensorSpec& weight) {
  if (weight.dtype != DType::kBF16 || x.dtype != DType::kBF16) {
    return Unimplemented("x is %s and w %s; needs bf16", Name(x.dtype), Name(weight.dtype));
  }
  if (weight.layout != kOpenLayout && weight.layout != kRowMajor) {
    return Unimplemented("w lies in %s; needs %s", weight.layout.name, kRowMajor.name);
  }
  const int64_t n = weight.shape[0];
  const int64_t k = weight.shape[1];
  if (n % kOutputStep != 0 || k % kInputStep != 0) {
    return Unimplemented("w is [%d, %d]; needs multiples of %d and %d", n, k, kOutputStep, kInputStep);
  }
  if (!problem.device.matrix_library) return Unimplemented("%s has no library", problem.device.name);
  return problem.device.matrix_library();
}

std::span<const LayoutId> RowLayouts(const Problem&, int) {
  static constexpr LayoutId kRows[] = {kRowMajor};
  return kRows;
}

void Multiply(const LaunchArgs& launch, const GpuProduct& product) {
  if (EnqueueProduct(launch, product)) return;
  EnqueueLinearOfRows(launch, {.x = product.x,
                               .weights = {{.panels = product.w, .y = product.y}},
                               .num_weights = 1,
                               .rows = static_cast<int>(product.rows),
                               .n = static_cast<int>(product.n),
                               .k = static_cast<int>(product.k)});
}

class LibraryLinear : public Kernel {
 public:
  int64_t scratch_bytes() const override { return kProductWorkspaceBytes; }

  void Launch(const LaunchArgs& launch) const override {
    const TensorSpec& weight = *launch.in[1].spec;
    Multiply(launch, {.x = launch.in[0].data,
                      .w = launch.in[1].data,
                      .y = launch.out[0].as<float>(),
                      .rows = RowsOf(launch.out[0], launch),
                      .n = weight.shape[0],
                      .k = weight.shape[1],
                      .workspace = launch.scratch.data()});
  }
};

class LibraryGatedMlp : public Kernel {
 public:
  explicit LibraryGatedMlp(const Problem& problem)
      : activation_(problem.op.as<GatedMlp>().activation),
        n_(problem.in[1].shape[0]),
        k_(problem.in[1].shape[1]),
        slice_rows_(std::min(problem.max_rows(), kSliceRows)) {}

  int64_t scratch_bytes() const override {
    return kProductWorkspaceBytes + 2 * slice_rows_ * n_ * static_cast<int64_t>(sizeof(float));
  }

  void Launch(const LaunchArgs& launch) const override {
    ForEachSlice(launch, slice_rows_, [&](int64_t first, int64_t rows) { LaunchSlice(launch, first, rows); });
  }

 private:
  void LaunchSlice(const LaunchArgs& launch, int64_t first, int64_t rows) const {
    auto* const gate = reinterpret_cast<float*>(launch.scratch.data() + kProductWorkspaceBytes);
    float* const up = gate + rows * n_;
    GpuProduct product{.x = launch.in[0].data + first * launch.in[0].spec->row_bytes(),
                       .w = launch.in[1].data,
                       .y = gate,
                       .rows = rows,
                       .n = n_,
                       .k = k_,
                       .workspace = launch.scratch.data()};
    Multiply(launch, product);
    product.w = launch.in[2].data;
    product.y = up;
    Multiply(launch, product);
    const TensorSpec& out = *launch.out[0].spec;
    const int64_t row_blocks = DivideUp(n_, kRowPartElements);
    Enqueue(launch, kSiluMul, {.x = rows * row_blocks},
            SiluMulArgs{.gate = gate,
                        .up = up,
                        .out = launch.out[0].data + first * out.row_bytes(),
                        .n = n_,
                        .out_row_bytes = out.row_bytes(),
                        .row_blocks = row_blocks,
                        .activation = activation_,
                        .out_dtype = out.dtype});
  }

  Activation activation_;
  int64_t n_;
  int64_t k_;
  int64_t slice_rows_;
};

}  // namespace

KernelEntry LibraryLinearKernel() {
  return {.name = "linear.library.gpu",
          .op = &SchemaOf(Linear{}),
          .exactness = Exactness::kFast,
          .supports = [](const Problem& problem) -> absl::Status {
            if (problem.op.as<Linear>().bias) return Unimplemented("it adds no bias");
            return RequireMatrixLibrary(problem, problem.in[0], problem.in[1]);
          },
          .weight_layouts = RowLayouts,
          .prepare = [](const Problem&) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return std::make_unique<LibraryLinear>();
          }};
}

KernelEntry LibraryGatedMlpKernel() {
  return {
      .name = "gated_mlp.library.gpu",
      .op = &SchemaOf(GatedMlp{}),
      .exactness = Exactness::kFast,
      .supports = [](const Problem& problem) { return RequireMatrixLibrary(problem, problem.in[0], problem.in[1]); },
      .weight_layouts = RowLayouts,
      .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
        return std::make_unique<LibraryGatedMlp>(problem);
      }};
}

}  // namespace engine::gpu
