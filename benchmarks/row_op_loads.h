// Loads of the ops between the products, in the widths of Qwen3-0.6B and 1.7B. What they read a step has just made, so
// caches hold it: their share of memory's roof may exceed 1.
#pragma once

#include "benchmarks/op_list.h"

namespace engine {

std::vector<OpLoad> QkNormRopeLoads(const OpSelection& selection);
std::vector<OpLoad> RopeLoads(const OpSelection& selection);
std::vector<OpLoad> RmsNormLoads(const OpSelection& selection);
std::vector<OpLoad> AddRmsNormLoads(const OpSelection& selection);
std::vector<OpLoad> QuantiseLoads(const OpSelection& selection);
std::vector<OpLoad> SiluMulLoads(const OpSelection& selection);
std::vector<OpLoad> HeadRmsNormLoads(const OpSelection& selection);
std::vector<OpLoad> AddLoads(const OpSelection& selection);
std::vector<OpLoad> GatherRowsLoads(const OpSelection& selection);
std::vector<OpLoad> SampleLoads(const OpSelection& selection);

}  // namespace engine
