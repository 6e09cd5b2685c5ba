#include "conformance/cases.h"
#include "conformance/test_data.h"
#include "ops/add.h"

namespace engine {

std::vector<NamedCase> AddCases() {
  std::vector<NamedCase> cases;
  for (const int64_t columns : {1, 5, 40, 576}) {
    const std::string name = "d" + std::to_string(columns);
    cases.push_back({name, [name, columns] {
                       TestData data(columns);
                       return OpCase{.name = name,
                                     .op = OpRef(SchemaOf(Add{}), Add{}),
                                     .in = {data.Rows(DType::kF32, kTokens, 33, columns, Values::kOutliers),
                                            data.Rows(DType::kF32, kTokens, 33, columns, Values::kDenormals)},
                                     .largest = {.tokens = 33}};
                     }});
  }
  return cases;
}

}  // namespace engine
