#include "conformance/cases.h"
#include "conformance/rope_inputs.h"
#include "ops/rope.h"

namespace engine {
namespace {

NamedCase Heads(int heads, int head_dim, int rotary_dim, DType out) {
  const std::string name = RopeCaseName(heads, head_dim, rotary_dim, out);
  return {name, [=] {
            TestData data(head_dim);
            const Rope rope = {heads, head_dim, rotary_dim, out};
            return OpCase{.name = name,
                          .op = OpRef(SchemaOf(rope), rope),
                          .in = RopeInputs(data, heads, head_dim, rotary_dim),
                          .largest = {.tokens = kRopeTokens}};
          }};
}

}  // namespace

std::vector<NamedCase> RopeCases() {
  return {Heads(1, 8, 8, DType::kF32),    Heads(9, 64, 64, DType::kBF16),   Heads(3, 40, 24, DType::kBF16),
          Heads(2, 128, 96, DType::kF32), Heads(2, 128, 128, DType::kBF16), Heads(2, 18, 10, DType::kBF16)};
}

}  // namespace engine
