#include "conformance/op_case.h"

#include "core/base/check.h"

namespace engine {

std::vector<TensorSpec> OpCase::in_specs() const {
  std::vector<TensorSpec> specs;
  for (const CaseInput& input : in) specs.push_back(input.spec);
  return specs;
}

int64_t OpCase::row_dim() const {
  const auto out = op.schema().infer(op, in_specs());
  ENGINE_CHECK(out.ok());
  return out->empty() ? in.front().spec.shape.leading() : out->front().shape.leading();
}

StepExtents WithRows(StepExtents base, int64_t dim, int64_t rows) {
  const int count = static_cast<int>(rows);
  if (dim == kTokens) base.tokens = count;
  if (dim == kSequences) base.sequences = count;
  if (dim == kSampled) base.sampled = count;
  return base;
}

std::vector<StepExtents> RowSteps(const StepExtents& largest, int64_t dim) {
  std::vector<StepExtents> steps;
  for (const int64_t rows : {0, 1, 2, 3, 5, 16, 17, 33}) {
    if (rows < Resolve(dim, largest)) steps.push_back(WithRows(largest, dim, rows));
  }
  return steps;
}

}  // namespace engine
