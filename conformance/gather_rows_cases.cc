#include "conformance/cases.h"
#include "conformance/test_data.h"
#include "ops/gather_rows.h"

namespace engine {

std::vector<NamedCase> GatherRowsCases() {
  std::vector<NamedCase> cases;
  for (const int64_t columns : {1, 40, 576}) {
    const std::string name = "d" + std::to_string(columns);
    cases.push_back({name, [=] {
                       TestData data(columns);
                       return OpCase{.name = name,
                                     .op = OpRef(SchemaOf(GatherRows{}), GatherRows{}),
                                     .in = {data.Rows(DType::kF32, kTokens, 50, columns, Values::kNormal),
                                            IntegerInput(kSampled, data.Integers(33, 0, 49))},
                                     .largest = {.tokens = 50, .sampled = 33}};
                     }});
  }
  return cases;
}

}  // namespace engine
