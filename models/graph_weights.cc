#include "models/graph_weights.h"

#include "ops/linear.h"

namespace engine {

ValueId GraphWeights::Matrix(const std::string& name, const Rows& rows, int64_t k, const std::string& tensor) {
  for (const auto& [known, id] : matrices_) {
    if (known == name) return id;
  }
  const auto source = catalog_.Require(tensor.empty() ? name : tensor);
  DType dtype = DType::kF32;
  if (!source.ok()) {
    graph_.Fail(source.status());
  } else if ((*source)->shape != std::vector<int64_t>{rows.n, k}) {
    graph_.Fail(InvalidArgument("tensor %s is %s; the configuration asks for [%d, %d]", (*source)->name,
                                ShapeText((*source)->shape), rows.n, k));
  } else {
    dtype = (*source)->dtype;
  }
  specs_.push_back({.name = name,
                    .source = source.ok() ? (*source)->name : "",
                    .dtype = dtype,
                    .n = rows.of_slice(),
                    .k = k,
                    .interleaved_head_rows = rows.interleaved_head_rows,
                    .slices = rows.slices});
  const ValueId id = graph_.Weight(name, {dtype, {rows.of_slice(), k}, kOpenLayout});
  matrices_.emplace_back(name, id);
  return id;
}

ValueId GraphWeights::Vector(const std::string& name, const Rows& rows) {
  const auto source = catalog_.Require(name);
  if (!source.ok()) {
    graph_.Fail(source.status());
  } else if (IsBlockQuantised((*source)->dtype)) {
    graph_.Fail(
        Unimplemented("tensor %s is %s; a vector must be f32, f16 or bf16", (*source)->name, Name((*source)->dtype)));
  } else if (NumValues((*source)->shape) != rows.n) {
    graph_.Fail(InvalidArgument("tensor %s is %s; the configuration asks for [%d]", (*source)->name,
                                ShapeText((*source)->shape), rows.n));
  }
  // As one column where rows are chosen, so that the same rules apply; the bytes are the same.
  const bool is_column = rows.interleaved_head_rows > 0 || rows.slices > 1;
  specs_.push_back({.name = name,
                    .source = source.ok() ? (*source)->name : "",
                    .dtype = DType::kF32,
                    .n = is_column ? rows.of_slice() : 1,
                    .k = is_column ? 1 : rows.n,
                    .interleaved_head_rows = rows.interleaved_head_rows,
                    .slices = rows.slices});
  return graph_.Weight(name, {DType::kF32, {rows.of_slice()}});
}

std::vector<ValueId> GraphWeights::ProductInputs(ValueId x, ValueId weight, const std::string& name, const Rows& rows) {
  std::vector<ValueId> in = {x, weight};
  if (NeedRowScales(graph_.spec(weight).dtype)) in.push_back(RowScales(name, rows));
  return in;
}

// Rows are reordered in GGUF files alone, which have no such weights.
ValueId GraphWeights::RowScales(const std::string& name, const Rows& rows) {
  return Vector(name + ".weight_scale", rows);
}

ValueId GraphWeights::Computed(const std::string& name, int64_t n, int64_t k,
                               std::function<void(int64_t first_row, std::span<float> rows)> compute) {
  specs_.push_back({.name = name, .n = n, .k = k, .compute = std::move(compute)});
  return graph_.Weight(name, {DType::kF32, {n, k}});
}

}  // namespace engine
