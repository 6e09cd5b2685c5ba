#include "conformance/cases.h"
#include "conformance/rope_inputs.h"
#include "ops/qk_norm_rope.h"

namespace engine {
namespace {

NamedCase Heads(int heads, int head_dim, int rotary_dim, DType out) {
  const std::string name = RopeCaseName(heads, head_dim, rotary_dim, out);
  return {name, [=] {
            TestData data(head_dim);
            const QkNormRope attributes = {.heads = heads, .head_dim = head_dim, .rotary_dim = rotary_dim, .out = out};
            OpCase op_case = {.name = name,
                              .op = OpRef(SchemaOf(attributes), attributes),
                              .in = RopeInputs(data, heads, head_dim, rotary_dim),
                              .largest = {.tokens = kRopeTokens}};
            op_case.in.push_back(data.Vector(head_dim));
            return op_case;
          }};
}

}  // namespace

std::vector<NamedCase> QkNormRopeCases() {
  return {Heads(1, 8, 8, DType::kF32), Heads(16, 128, 128, DType::kBF16), Heads(3, 40, 24, DType::kBF16),
          Heads(2, 128, 96, DType::kF32)};
}

}  // namespace engine
