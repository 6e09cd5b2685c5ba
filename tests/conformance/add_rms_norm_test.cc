#include "ops/add_rms_norm.h"

#include "tests/conformance/conformance.h"
#include "tests/conformance/test_data.h"

namespace engine {
namespace {

std::vector<NamedCase> Cases() {
  std::vector<NamedCase> cases;
  for (const DType out : {DType::kF32, DType::kBF16, DType::kQ8Group}) {
    for (const int64_t columns : {5, 40, 64, 576, 2080}) {
      if (out == DType::kQ8Group && columns % 32 != 0) continue;
      const std::string name = std::string(Name(out)) + "_d" + std::to_string(columns);
      cases.push_back({name, [=] {
                         TestData data(columns);
                         return OpCase{.name = name,
                                       .op = OpRef(SchemaOf(AddRmsNorm{}), AddRmsNorm{.epsilon = 1e-6f, .out = out}),
                                       .in = {data.Rows(DType::kF32, kTokens, 33, columns, Values::kOutliers),
                                              data.Rows(DType::kF32, kTokens, 33, columns, Values::kNormal),
                                              data.Vector(columns)},
                                       .largest = {.tokens = 33}};
                       }});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(AddRmsNormOp, Conformance, testing::ValuesIn(Cases()), NameOf);

}  // namespace
}  // namespace engine
