// How linear and gated_mlp take weights and launch their products.
#pragma once

#include <span>

#include "backends/gpu/linear.h"
#include "core/kernel/kernel.h"

namespace engine::gpu {

// OK when x has the dtype that goes with the weight, and the weight lies in panels; else what is not so.
absl::Status RequirePanels(const TensorSpec& x, const TensorSpec& weight);

// The same for bf16 and f16 on matrix units.
absl::Status RequireMatrixUnits(const Problem& problem);

std::span<const LayoutId> PanelLayouts(const Problem& problem, int index);

// in[index] as args want it, with in[scale] where the weight has none of its own.
LinearWeight WeightOf(const LaunchArgs& launch, int index, int scale, float* y);

// Chooses the kernel for `weight` and args.rows, fills in what follows from these, and enqueues it.
void EnqueueLinear(const LaunchArgs& launch, DType weight, LinearArgs args);

// Of class fast: on matrix units where there are rows enough to fill them. `scratch` is MatrixScratchBytes.
void EnqueueMatrixLinear(const LaunchArgs& launch, DType weight, LinearArgs args, std::byte* scratch);
int64_t MatrixScratchBytes(DType weight, int64_t max_rows, int64_t k);

// The same of bf16 weights that lie in rows, for any number of tokens.
void EnqueueLinearOfRows(const LaunchArgs& launch, const LinearArgs& args);

}  // namespace engine::gpu
