// What `engine bench ops` times: ops in the shapes of real models, as data.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/op_load.h"

namespace engine {

// Of attention and its cache.
struct HeadShape {
  int heads = 16;
  int kv_heads = 8;
  int head_dim = 128;
};

// Empty lists take everything that the defaults have.
struct OpSelection {
  std::vector<std::string> ops;
  std::vector<DType> formats;                       // of weights and caches
  std::vector<std::pair<int64_t, int64_t>> shapes;  // n, k of linear and gated_mlp
  std::vector<int64_t> rows = {1, 2, 4, 8, 16, 64, 512};
  std::vector<int64_t> contexts = {512, 4096};  // of attention, in tokens
  HeadShape heads;
  int window = 0;                    // of attention; 0: none
  std::vector<std::string> filters;  // each must occur in the load's name
};

// Ops that can be named in OpSelection::ops, in the order in which they are timed.
std::span<const std::string_view> TimedOps();

std::vector<OpLoad> ListOpLoads(const OpSelection& selection);

}  // namespace engine
