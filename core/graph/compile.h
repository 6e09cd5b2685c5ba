// Graph to program: choose layouts and kernels, insert and fuse conversions, plan the arena.
#pragma once

#include "core/graph/program.h"

namespace engine {

struct CompileOptions {
  Numerics level = Numerics::kInvariant;
  StepLimits limits;
  // The op that stores a value as another dtype (quantise). Lowering inserts it where input_dtype asks for one.
  OpRef (*convert)(DType to) = nullptr;
};

// No silent fallback: fails with every candidate's reason when an op has neither kernel nor decomposition, or when
// consumers of one weight agree on no layout.
absl::StatusOr<Program> Compile(const Graph& graph, const KernelRegistry& registry, const DeviceInfo& device,
                                const CompileOptions& options);

// The leading dimension of the rows an op ranges over: of its first output, or of its first input when it only writes in
// place.
int64_t RowDimension(std::span<const TensorSpec> in, std::span<const TensorSpec> out);

// The row ranges of an op whose leading dimension is `leading`: 1 (decode), 2-16 (small batches), the rest (prefill).
std::vector<RowRange> RowRanges(int64_t leading, const StepLimits& limits);

}  // namespace engine
