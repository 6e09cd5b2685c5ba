// One conformance case: an op, its input data, and the steps over which every kernel must agree with the reference.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/kernel/op.h"

namespace engine {

struct CaseInput {
  TensorSpec spec;              // row-major (a cache in its own layout); the leading dimension may be symbolic
  std::vector<std::byte> data;  // as many rows as the case's largest step has
  bool is_weight = false;       // packed into each layout that a kernel takes
};

// Largest |y - reference| at (row, column) that a kernel which is not exact may show.
using ErrorBound = std::function<double(int64_t row, int64_t column, float reference)>;

struct OpCase {
  std::string name;
  OpRef op;
  std::vector<CaseInput> in;
  StepExtents largest;
  // Run as well; each covers the first rows of `largest`. Empty: as many row counts as RowSteps makes.
  std::vector<StepExtents> steps = {};
  bool rows_alone = true;  // any row may also be run by itself
  ErrorBound bound = nullptr;
  bool gpus_decline = false;  // no GPU has a kernel for it: a conversion follows there

  std::vector<TensorSpec> in_specs() const;
  // The dimension that counts the op's rows: that of its first output, or of its first input if it has none.
  int64_t row_dim() const;
};

// Makes its data when it is run, not when tests are listed.
struct NamedCase {
  std::string name;
  std::function<OpCase()> make;
};

// `base` with `rows` for the symbolic dimension `dim`.
StepExtents WithRows(StepExtents base, int64_t dim, int64_t rows);

// Zero rows, up to five, 16, and one more than tiles of 16 and of 32: those that are fewer than the rows of `largest`.
std::vector<StepExtents> RowSteps(const StepExtents& largest, int64_t dim);

}  // namespace engine
