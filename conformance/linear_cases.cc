#include <algorithm>
#include <iterator>

#include "conformance/cases.h"
#include "conformance/linear_bound.h"
#include "ops/linear.h"

namespace engine {
namespace {

struct LinearCase {
  DType weight;
  int64_t n, k;
  int rows = 33;
  Values x = Values::kOutliers;
  Values w = Values::kNormal;
  bool bias = false;
};

ErrorBound BoundOf(const OpCase& op_case, int64_t k) {
  const CaseInput& weight = op_case.in[1];
  return [k, x = RowNorms(op_case.in[0]), moved = RoundingErrors(op_case.in[0], weight.spec.dtype),
          w = NeedRowScales(weight.spec.dtype) ? RowNorms(weight, op_case.in[2]) : RowNorms(weight)](
             int64_t row, int64_t column, float reference) {
    return SumBound(k, x[row] + moved[row], w[column], reference) + moved[row] * w[column];
  };
}

OpCase Make(const std::string& name, const LinearCase& c) {
  TestData data(c.n * 10007 + c.k);
  const Linear linear = {.input = InputFor(c.weight), .bias = c.bias};
  OpCase op_case = {
      .name = name,
      .op = OpRef(SchemaOf(linear), linear),
      .in = {data.Rows(InputDType(linear.input), kTokens, c.rows, c.k, c.x), data.Weight(c.weight, c.n, c.k, c.w)},
      .largest = {.tokens = c.rows}};
  if (NeedRowScales(c.weight)) op_case.in.push_back(data.Vector(c.n));
  if (c.bias) op_case.in.push_back(data.Vector(c.n));
  op_case.bound = BoundOf(op_case, c.k);
  return op_case;
}

NamedCase Named(const LinearCase& c) {
  std::string name(Name(c.weight));
  name += "_n" + std::to_string(c.n) + "_k" + std::to_string(c.k);
  if (c.x == Values::kZeros) name += "_zeros";
  if (c.x == Values::kDenormals) name += "_denormals";
  if (c.x == Values::kTiny) name += "_tiny";
  if (c.x == Values::kBorder) name += "_border";
  if (c.bias) name += "_bias";
  return {name, [=] { return Make(name, c); }};
}

// Rows of one weight that fill no panel, exactly one, and one and a bit; k of one block, an odd number of blocks, and
// one block beyond the chunk of 2048.
std::vector<NamedCase> BlockFormats() {
  std::vector<NamedCase> cases;
  for (const DType weight :
       {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0, DType::kW8, DType::kIQ4_NL}) {
    cases.push_back(Named({.weight = weight, .n = 1, .k = 32}));
    cases.push_back(Named({.weight = weight, .n = 5, .k = 96, .rows = 67}));
    cases.push_back(Named({.weight = weight, .n = 16, .k = 64, .x = Values::kDenormals}));
    cases.push_back(Named({.weight = weight, .n = 40, .k = 576, .bias = true}));
    cases.push_back(Named({.weight = weight, .n = 40, .k = 2080}));
    cases.push_back(Named({.weight = weight, .n = 2112, .k = 32, .rows = 17}));
  }
  for (const DType weight : {DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kIQ4_XS}) {
    cases.push_back(Named({.weight = weight, .n = 1, .k = 256}));
    cases.push_back(Named({.weight = weight, .n = 5, .k = 512, .x = Values::kDenormals}));
    cases.push_back(Named({.weight = weight, .n = 40, .k = 768, .rows = 64, .bias = true}));
    cases.push_back(Named({.weight = weight, .n = 37, .k = 2304}));
    cases.push_back(Named({.weight = weight, .n = 2112, .k = 256, .rows = 3}));
  }
  for (const DType weight :
       {DType::kW4G32, DType::kW4G64, DType::kW4G128, DType::kW4G32Bf16, DType::kW4G64Bf16, DType::kW4G128Bf16}) {
    const int64_t block = Info(weight).block_values;
    cases.push_back(Named({.weight = weight, .n = 1, .k = block}));
    cases.push_back(Named({.weight = weight, .n = 5, .k = 3 * block, .rows = 64, .x = Values::kDenormals}));
    cases.push_back(Named({.weight = weight, .n = 40, .k = 640, .bias = true}));
    cases.push_back(Named({.weight = weight, .n = 37, .k = 2048 + block}));
    cases.push_back(Named({.weight = weight, .n = 2112, .k = 128, .rows = 3}));
  }
  cases.push_back(Named({.weight = DType::kQ4_1, .n = 16, .k = 64, .x = Values::kZeros}));
  // More than one tile of a GPU's matrix units in both directions, the last ones short.
  cases.push_back(Named({.weight = DType::kQ4_0, .n = 70, .k = 96, .rows = 150}));
  cases.push_back(Named({.weight = DType::kQ6_K, .n = 70, .k = 256, .rows = 150}));
  cases.push_back(Named({.weight = DType::kQ4_0, .n = 5, .k = 4128, .rows = 33}));
  // More panels than a GPU has blocks at once, an even and an odd number of them, for a few rows and for some.
  cases.push_back(Named({.weight = DType::kQ4_0, .n = 16930, .k = 64, .rows = 2}));
  cases.push_back(Named({.weight = DType::kQ4_0, .n = 16898, .k = 64, .rows = 32}));
  return cases;
}

std::vector<NamedCase> FloatFormats() {
  std::vector<NamedCase> cases;
  for (const DType weight : {DType::kBF16, DType::kF32, DType::kF16}) {
    cases.push_back(Named({.weight = weight, .n = 1, .k = 32}));
    cases.push_back(Named({.weight = weight, .n = 5, .k = 33, .rows = 64}));
    cases.push_back(Named({.weight = weight, .n = 40, .k = 576, .bias = true}));
    cases.push_back(Named({.weight = weight, .n = 40, .k = 2080, .rows = 17}));
    cases.push_back(Named({.weight = weight, .n = 2112, .k = 32, .rows = 5}));
    cases.push_back(Named({.weight = weight, .n = 16, .k = 64, .x = Values::kDenormals}));
    cases.push_back(Named({.weight = weight, .n = 17, .k = 96, .x = Values::kZeros}));
  }
  // More than one tile and one slice of a GPU's matrix units, the last ones short.
  cases.push_back(Named({.weight = DType::kF16, .n = 70, .k = 352, .rows = 239}));
  cases.push_back(Named({.weight = DType::kF16, .n = 33, .k = 32, .rows = 1050, .bias = true}));
  cases.push_back(Named({.weight = DType::kF16, .n = 40, .k = 96, .x = Values::kTiny, .w = Values::kTiny}));
  for (const DType weight : {DType::kBF16, DType::kF32}) {
    // Rows that fall into every block a library may have (128, 96, 64, ...) and leave some over; chunks of k that are not
    // ours, the last one short; a panel of 64 rows and a bit.
    cases.push_back(Named({.weight = weight, .n = 70, .k = 352, .rows = 239}));
    cases.push_back(Named({.weight = weight, .n = 65, .k = 1056, .rows = 113, .bias = true}));
    cases.push_back(Named({.weight = weight, .n = 130, .k = 32, .rows = 300}));
    cases.push_back(Named({.weight = weight, .n = 64, .k = 4128, .rows = 81}));
    cases.push_back(Named({.weight = weight, .n = 40, .k = 96, .x = Values::kTiny, .w = Values::kTiny}));
    cases.push_back(Named({.weight = weight, .n = 40, .k = 64, .x = Values::kBorder, .w = Values::kBorder}));
  }
  return cases;
}

}  // namespace

std::vector<NamedCase> LinearCases() {
  std::vector<NamedCase> cases = BlockFormats();
  std::ranges::move(FloatFormats(), std::back_inserter(cases));
  return cases;
}

}  // namespace engine
