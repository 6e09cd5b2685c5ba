#include "conformance/cases.h"
#include "conformance/test_data.h"
#include "ops/head_rms_norm.h"

namespace engine {
namespace {

NamedCase Heads(int heads, int head_dim, Values values) {
  const std::string name = std::to_string(heads) + "x" + std::to_string(head_dim);
  return {name, [=] {
            TestData data(head_dim);
            const HeadRmsNorm norm = {.heads = heads, .head_dim = head_dim};
            return OpCase{
                .name = name,
                .op = OpRef(SchemaOf(norm), norm),
                .in = {data.Rows(DType::kF32, kTokens, 33, int64_t{heads} * head_dim, values), data.Vector(head_dim)},
                .largest = {.tokens = 33}};
          }};
}

}  // namespace

std::vector<NamedCase> HeadRmsNormCases() {
  return {Heads(1, 8, Values::kNormal),   Heads(3, 40, Values::kDenormals), Heads(9, 64, Values::kOutliers),
          Heads(4, 128, Values::kNormal), Heads(2, 256, Values::kNormal),   Heads(2, 320, Values::kOutliers)};
}

}  // namespace engine
