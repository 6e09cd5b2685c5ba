// The cases of every op, once: tests/conformance and the selftest walk this list.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "conformance/op_case.h"

namespace engine {

std::vector<NamedCase> AddCases();
std::vector<NamedCase> AddRmsNormCases();
std::vector<NamedCase> EmbeddingCases();
std::vector<NamedCase> GatedMlpCases();
std::vector<NamedCase> GatherRowsCases();
std::vector<NamedCase> HeadRmsNormCases();
std::vector<NamedCase> KvWriteCases();
std::vector<NamedCase> LinearCases();
std::vector<NamedCase> PagedAttentionCases();
std::vector<NamedCase> QkNormRopeCases();
std::vector<NamedCase> QuantiseCases();
std::vector<NamedCase> RmsNormCases();
std::vector<NamedCase> RopeCases();
std::vector<NamedCase> SampleCases();
std::vector<NamedCase> SiluMulCases();

struct OpCases {
  std::string_view op;
  std::vector<NamedCase> (*make)();
};

inline constexpr OpCases kOpCases[] = {
    {"add", AddCases},
    {"add_rms_norm", AddRmsNormCases},
    {"embedding", EmbeddingCases},
    {"gated_mlp", GatedMlpCases},
    {"gather_rows", GatherRowsCases},
    {"head_rms_norm", HeadRmsNormCases},
    {"kv_write", KvWriteCases},
    {"linear", LinearCases},
    {"paged_attention", PagedAttentionCases},
    {"qk_norm_rope", QkNormRopeCases},
    {"quantise", QuantiseCases},
    {"rms_norm", RmsNormCases},
    {"rope", RopeCases},
    {"sample", SampleCases},
    {"silu_mul", SiluMulCases},
};

}  // namespace engine
