#include "core/graph/builder.h"

namespace engine {

std::vector<TensorSpec> Graph::specs(const std::vector<ValueId>& ids) const {
  std::vector<TensorSpec> specs;
  specs.reserve(ids.size());
  for (const ValueId id : ids) specs.push_back(values[id].spec);
  return specs;
}

ValueId GraphBuilder::AddValue(std::string name, TensorSpec spec, ValueKind kind) {
  graph_.values.push_back({std::move(name), spec, kind});
  return static_cast<ValueId>(graph_.values.size() - 1);
}

absl::StatusOr<std::vector<TensorSpec>> GraphBuilder::Infer(const OpRef& op, const std::vector<ValueId>& in) const {
  auto specs = op.schema().infer(op, graph_.specs(in));
  if (!specs.ok()) return Annotate(specs.status(), op.to_string());
  return specs;
}

std::vector<ValueId> GraphBuilder::AddOp(OpRef op, std::vector<ValueId> in) {
  // After an error the graph is never run; one placeholder per possible output keeps callers' code linear.
  auto specs = status_.ok() ? Infer(op, in) : status_;
  if (!specs.ok()) {
    status_ = specs.status();
    const ValueId placeholder = AddValue("invalid", {}, ValueKind::kIntermediate);
    return {placeholder, placeholder, placeholder};
  }
  std::vector<ValueId> out;
  for (const TensorSpec& spec : *specs) out.push_back(AddValue(std::string(op.name()), spec, ValueKind::kIntermediate));
  graph_.nodes.push_back({std::move(op), std::move(in), out});
  return out;
}

void GraphBuilder::AddOpInto(OpRef op, std::vector<ValueId> in, std::vector<ValueId> out) {
  if (!status_.ok()) return;
  auto specs = Infer(op, in);
  if (specs.ok() && *specs != graph_.specs(out)) {
    specs = InvalidArgument("%s: its outputs differ in type from the values it should write", op.to_string());
  }
  status_ = specs.status();
  if (status_.ok()) graph_.nodes.push_back({std::move(op), std::move(in), std::move(out)});
}

absl::StatusOr<Graph> GraphBuilder::Finish() && {
  RETURN_IF_ERROR(status_);
  return std::move(graph_);
}

}  // namespace engine
