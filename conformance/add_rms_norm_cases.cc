#include "conformance/cases.h"
#include "conformance/test_data.h"
#include "ops/add_rms_norm.h"

namespace engine {

std::vector<NamedCase> AddRmsNormCases() {
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

}  // namespace engine
