// Loads of the ops on paged caches, by default with the heads of Qwen3-0.6B and 1.7B.
#pragma once

#include "benchmarks/op_list.h"

namespace engine {

// Decode: a new token for each of `rows` sequences, 1 and 8 of them. Prefill: a whole prompt, and 512 tokens behind it.
std::vector<OpLoad> AttentionLoads(const OpSelection& selection);
std::vector<OpLoad> KvWriteLoads(const OpSelection& selection);

}  // namespace engine
