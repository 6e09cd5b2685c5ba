#include "conformance/cases.h"
#include "conformance/test_data.h"
#include "ops/silu_mul.h"

namespace engine {

std::vector<NamedCase> SiluMulCases() {
  std::vector<NamedCase> cases;
  for (const Activation activation : {Activation::kSilu, Activation::kGeluTanh}) {
    for (const DType out : {DType::kF32, DType::kBF16, DType::kQ8Group}) {
      for (const auto& [columns, values] : {std::pair{1, Values::kNormal},
                                            {40, Values::kDenormals},
                                            {96, Values::kOutliers},
                                            {1536, Values::kNormal}}) {
        if (out == DType::kQ8Group && columns % 32 != 0) continue;
        std::string name(Name(activation));
        name += "_" + std::string(Name(out)) + "_n" + std::to_string(columns);
        cases.push_back({name, [=, columns = columns, values = values] {
                           TestData data(columns);
                           return OpCase{.name = name,
                                         .op = OpRef(SchemaOf(SiluMul{}), SiluMul{activation, out}),
                                         .in = {data.Rows(DType::kF32, kTokens, 33, columns, values),
                                                data.Rows(DType::kF32, kTokens, 33, columns, Values::kNormal)},
                                         .largest = {.tokens = 33}};
                         }});
      }
    }
  }
  return cases;
}

}  // namespace engine
