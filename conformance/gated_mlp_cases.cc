#include <cmath>

#include "conformance/cases.h"
#include "conformance/linear_bound.h"
#include "conformance/test_data.h"
#include "ops/gated_mlp.h"

namespace engine {
namespace {

struct MlpCase {
  DType weight;
  int64_t n, k;
  DType out = DType::kF32;
  Activation activation = Activation::kSilu;
  int rows = 33;
};

// y = act(g) u with |act(g)| <= |g| and |act'| <= 1.13 for both gate functions, |g| <= |x| |w_g| and |u| <= |x| |w_u|:
// sums that are off by e_g and e_u move y by at most 1.13 e_g (|u| + e_u) + |g| e_u. Gate and product err by a few
// units in the last place of f32 (2^-20), and both y are rounded to the output's dtype (bf16: 2^-8 each). What q8_group
// rounds besides, the comparison adds.
ErrorBound BoundOf(const OpCase& op_case, int64_t k, DType out) {
  const auto norms = [&](int weight) {
    const CaseInput& input = op_case.in[weight];
    return NeedRowScales(input.spec.dtype) ? RowNorms(input, op_case.in[weight + 2]) : RowNorms(input);
  };
  return [k, out, x = RowNorms(op_case.in[0]), moved_x = RoundingErrors(op_case.in[0], op_case.in[1].spec.dtype),
          gate = norms(1), up = norms(2)](int64_t row, int64_t column, float reference) {
    const double g = x[row] * gate[column], u = x[row] * up[column];
    const auto error = [&](double weight) {
      const double longest = x[row] + moved_x[row];
      return SumBound(k, longest, weight, static_cast<float>(longest * weight)) + moved_x[row] * weight;
    };
    const double e_g = error(gate[column]), e_u = error(up[column]);
    const double moved = 1.13 * e_g * (u + e_u) + g * e_u;
    return moved + (out == DType::kBF16 ? 0x1p-7 : 0x1p-20) * (std::abs(reference) + moved);
  };
}

NamedCase Named(const MlpCase& c) {
  std::string name(Name(c.weight));
  name += "_n" + std::to_string(c.n) + "_k" + std::to_string(c.k) + "_" + std::string(Name(c.out));
  return {name, [=] {
            TestData data(c.n * 10007 + c.k);
            const GatedMlp mlp = {.input = InputFor(c.weight), .activation = c.activation, .out = c.out};
            OpCase op_case = {.name = name,
                              .op = OpRef(SchemaOf(mlp), mlp),
                              .in = {data.Rows(InputDType(mlp.input), kTokens, c.rows, c.k, Values::kNormal),
                                     data.Weight(c.weight, c.n, c.k), data.Weight(c.weight, c.n, c.k)},
                              .largest = {.tokens = c.rows}};
            for (int i = 0; i < 2 && NeedRowScales(c.weight); ++i) op_case.in.push_back(data.Vector(c.n));
            op_case.bound = BoundOf(op_case, c.k, c.out);
            return op_case;
          }};
}

}  // namespace

std::vector<NamedCase> GatedMlpCases() {
  return {Named({.weight = DType::kQ4_0, .n = 96, .k = 64, .out = DType::kQ8Group}),
          Named({.weight = DType::kQ4_0, .n = 5, .k = 96}),
          Named({.weight = DType::kQ4_0, .n = 32, .k = 32, .out = DType::kQ8Group, .rows = 300}),
          Named({.weight = DType::kQ4_0, .n = 40, .k = 2080, .rows = 270}),
          // More panels than a GPU has blocks at once, an odd number of them.
          Named({.weight = DType::kQ4_0, .n = 16928, .k = 64, .out = DType::kQ8Group, .rows = 9}),
          Named({.weight = DType::kQ4_1, .n = 64, .k = 576, .out = DType::kQ8Group}),
          Named({.weight = DType::kQ5_0, .n = 40, .k = 64}),
          Named({.weight = DType::kQ5_1, .n = 32, .k = 64, .out = DType::kQ8Group}),
          Named({.weight = DType::kQ8_0, .n = 64, .k = 2080, .out = DType::kQ8Group, .rows = 33}),
          Named({.weight = DType::kW8, .n = 64, .k = 2080, .out = DType::kQ8Group, .rows = 33}),
          Named({.weight = DType::kW8, .n = 21, .k = 96}), Named({.weight = DType::kQ4_K, .n = 40, .k = 512}),
          Named({.weight = DType::kQ4_K, .n = 64, .k = 2304, .out = DType::kQ8Group, .rows = 33}),
          Named({.weight = DType::kQ5_K, .n = 32, .k = 256, .out = DType::kQ8Group}),
          Named({.weight = DType::kQ6_K, .n = 32, .k = 256, .out = DType::kQ8Group}),
          Named({.weight = DType::kIQ4_NL, .n = 40, .k = 96, .rows = 33}),
          Named({.weight = DType::kIQ4_XS, .n = 32, .k = 512, .out = DType::kQ8Group}),
          Named({.weight = DType::kW4G128, .n = 64, .k = 2176, .out = DType::kQ8Group, .rows = 33}),
          Named({.weight = DType::kW4G64Bf16, .n = 32, .k = 192}),
          Named({.weight = DType::kBF16, .n = 40, .k = 576, .out = DType::kBF16, .rows = 17}),
          Named({.weight = DType::kBF16, .n = 70, .k = 96, .rows = 150}),
          Named({.weight = DType::kBF16, .n = 5, .k = 33, .activation = Activation::kGeluTanh}),
          Named({.weight = DType::kF32, .n = 40, .k = 96}),
          Named({.weight = DType::kF16, .n = 70, .k = 96, .rows = 1050}),
          Named({.weight = DType::kF16, .n = 5, .k = 64, .activation = Activation::kGeluTanh})};
}

}  // namespace engine
