// Places intermediates in one arena: values that are never alive together share bytes.
#pragma once

#include "core/graph/program.h"

namespace engine {

struct ArenaPlan {
  std::vector<int64_t> offsets;  // per value, -1 outside the arena
  int64_t bytes = 0;
};

// The largest value first, each at the lowest place that is free, 64-byte aligned. Bytes are used again only behind a
// barrier that is there anyway.
ArenaPlan PlanArena(const Graph& graph, const StepLimits& limits);

// For each node: whether it must wait for earlier ones, because it reads bytes written, or writes bytes read or
// written, since the last wait.
std::vector<bool> PlanBarriers(const Graph& graph, const ArenaPlan& arena, const StepLimits& limits);

}  // namespace engine
