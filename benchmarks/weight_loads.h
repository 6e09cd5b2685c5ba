// Loads of the ops that read weights: products with matrices of Qwen3-0.6B and 1.7B, and their embedding tables.
#pragma once

#include "benchmarks/op_list.h"

namespace engine {

std::vector<OpLoad> LinearLoads(const OpSelection& selection);
std::vector<OpLoad> GatedMlpLoads(const OpSelection& selection);
std::vector<OpLoad> EmbeddingLoads(const OpSelection& selection);

}  // namespace engine
