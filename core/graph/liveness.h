// Places intermediates in one arena: values that are never alive together share bytes.
#pragma once

#include "core/graph/program.h"

namespace engine {

struct ArenaPlan {
  std::vector<int64_t> offsets;  // per value, -1 outside the arena
  int64_t bytes = 0;
};

// First fit in order of first use, 64-byte aligned.
ArenaPlan PlanArena(const Graph& graph, const StepLimits& limits);

// For each node: whether it must wait for earlier ones, because it reads bytes written, or writes bytes read or
// written, since the last wait.
std::vector<bool> PlanBarriers(const Graph& graph, const ArenaPlan& arena, const StepLimits& limits);

}  // namespace engine
