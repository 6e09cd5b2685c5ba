// Rewrites between the model's graph and the one that runs.
#pragma once

#include <functional>
#include <span>

#include "core/graph/builder.h"

namespace engine {

// One conversion per value and dtype that some consumer wants otherwise, placed after the producer and shared.
absl::StatusOr<Graph> InsertConversions(const Graph& graph, OpRef (*convert)(DType to));

// Lets a producer store the converted form itself where the conversion is its output's only use and `supported` says
// that the device has a kernel for the fused op (node with its input and output types).
absl::StatusOr<Graph> FuseConversions(const Graph& graph, OpRef (*convert)(DType to),
                                      const std::function<bool(const OpRef&, std::span<const TensorSpec> in,
                                                               std::span<const TensorSpec> out)>& supported);

// Replaces every node for which `keep` says no by its decomposition, until all are kept or cannot be taken apart.
absl::StatusOr<Graph> Decompose(const Graph& graph, const std::function<bool(const Graph&, const Node&)>& keep);

}  // namespace engine
