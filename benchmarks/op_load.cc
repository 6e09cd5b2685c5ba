#include "benchmarks/op_load.h"

#include "absl/strings/str_format.h"

namespace engine {

std::string OpLoad::name() const { return absl::StrFormat("%s %s %s r%d", op.name(), format, shape, rows); }

std::vector<TensorSpec> OpLoad::in_specs() const {
  std::vector<TensorSpec> specs;
  for (const LoadInput& input : in) specs.push_back(input.spec);
  return specs;
}

}  // namespace engine
