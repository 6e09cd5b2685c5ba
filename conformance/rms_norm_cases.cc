#include "conformance/cases.h"
#include "conformance/test_data.h"
#include "ops/rms_norm.h"

namespace engine {

// Widths around the 256 partial sums, and ragged ones.
std::vector<NamedCase> RmsNormCases() {
  struct Variant {
    int64_t columns;
    Values values;
  };
  std::vector<NamedCase> cases;
  for (const DType out : {DType::kF32, DType::kBF16, DType::kQ8Group}) {
    for (const auto& [columns, values] :
         {Variant{1, Values::kNormal}, Variant{5, Values::kNormal}, Variant{40, Values::kOutliers},
          Variant{32, Values::kZeros}, Variant{96, Values::kDenormals}, Variant{256, Values::kTiny},
          Variant{576, Values::kOutliers}, Variant{2080, Values::kNormal}}) {
      if (out == DType::kQ8Group && columns % 32 != 0) continue;
      const std::string name = std::string(Name(out)) + "_d" + std::to_string(columns);
      cases.push_back({name, [name, out, columns = columns, values = values] {
                         TestData data(columns);
                         return OpCase{
                             .name = name,
                             .op = OpRef(SchemaOf(RmsNorm{}), RmsNorm{.epsilon = 1e-5f, .out = out}),
                             .in = {data.Rows(DType::kF32, kTokens, 33, columns, values), data.Vector(columns)},
                             .largest = {.tokens = 33}};
                       }});
    }
  }
  return cases;
}

}  // namespace engine
