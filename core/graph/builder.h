// Builds a graph op by op with shape inference. The first error sticks and is returned by Finish().
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/graph/graph.h"

namespace engine {

class GraphBuilder {
 public:
  // Continues `graph` when given: decompositions append to it.
  explicit GraphBuilder(Graph graph = {}) : graph_(std::move(graph)) {}

  ValueId StepInput(std::string name, TensorSpec spec) {
    return AddValue(std::move(name), spec, ValueKind::kStepInput);
  }
  ValueId Weight(std::string name, TensorSpec spec) { return AddValue(std::move(name), spec, ValueKind::kWeight); }
  ValueId Cache(std::string name, TensorSpec spec) { return AddValue(std::move(name), spec, ValueKind::kCache); }
  // Declared before use when an op reads what the previous step left there.
  ValueId Output(std::string name, TensorSpec spec) { return AddValue(std::move(name), spec, ValueKind::kOutput); }

  // Appends an op and returns its outputs. Attributes are found by ADL: `const OpSchema& SchemaOf(const RmsNorm&)`.
  template <typename Attributes>
  std::vector<ValueId> AddAll(Attributes attributes, std::vector<ValueId> in) {
    const OpSchema& schema = SchemaOf(attributes);
    return AddOp(OpRef(schema, std::move(attributes)), std::move(in));
  }
  // The same for ops with one output.
  template <typename Attributes>
  ValueId Add(Attributes attributes, std::vector<ValueId> in) {
    return AddAll(std::move(attributes), std::move(in)).front();
  }
  // The same, writing existing output values (ValueKind::kOutput).
  template <typename Attributes>
  void AddInto(Attributes attributes, std::vector<ValueId> in, std::vector<ValueId> out) {
    const OpSchema& schema = SchemaOf(attributes);
    AddOpInto(OpRef(schema, std::move(attributes)), std::move(in), std::move(out));
  }

  std::vector<ValueId> AddOp(OpRef op, std::vector<ValueId> in);
  void AddOpInto(OpRef op, std::vector<ValueId> in, std::vector<ValueId> out);

  const TensorSpec& spec(ValueId id) const { return graph_.values[id].spec; }
  const absl::Status& status() const { return status_; }
  // An error of the caller's: what is added from now on is never run.
  void Fail(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  absl::StatusOr<Graph> Finish() &&;

 private:
  ValueId AddValue(std::string name, TensorSpec spec, ValueKind kind);
  absl::StatusOr<std::vector<TensorSpec>> Infer(const OpRef& op, const std::vector<ValueId>& in) const;

  Graph graph_;
  absl::Status status_;
};

}  // namespace engine
