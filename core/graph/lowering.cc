#include "core/graph/lowering.h"

#include <map>

namespace engine {
namespace {

// Values of `graph` with none of its nodes: rewrites append nodes again, so ids stay what they were.
Graph ValuesOf(const Graph& graph) { return {.values = graph.values, .nodes = {}}; }

std::vector<int> CountUses(const Graph& graph) {
  std::vector<int> uses(graph.values.size(), 0);
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.in) ++uses[id];
  }
  return uses;
}

// The node that is the only reader of `value`, if there is one.
int OnlyReader(const Graph& graph, ValueId value) {
  int reader = -1;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId id : graph.nodes[n].in) {
      if (id != value) continue;
      if (reader != -1) return -1;
      reader = static_cast<int>(n);
    }
  }
  return reader;
}

}  // namespace

absl::StatusOr<Graph> InsertConversions(const Graph& graph, OpRef (*convert)(DType to)) {
  GraphBuilder builder(ValuesOf(graph));
  std::map<std::pair<ValueId, DType>, ValueId> converted;
  for (const Node& node : graph.nodes) {
    std::vector<ValueId> in = node.in;
    for (size_t i = 0; i < in.size() && node.op.schema().input_dtype != nullptr; ++i) {
      const std::optional<DType> wanted = node.op.schema().input_dtype(node.op, static_cast<int>(i));
      if (!wanted || *wanted == builder.spec(in[i]).dtype) continue;
      auto [entry, is_new] = converted.try_emplace({in[i], *wanted}, 0);
      if (is_new) entry->second = builder.AddOp(convert(*wanted), {in[i]}).front();
      in[i] = entry->second;
    }
    builder.AddOpInto(node.op, std::move(in), node.out);
  }
  return std::move(builder).Finish();
}

absl::StatusOr<Graph> FuseConversions(const Graph& graph, OpRef (*convert)(DType to),
                                      const std::function<bool(const OpRef&, std::span<const TensorSpec> in,
                                                               std::span<const TensorSpec> out)>& supported) {
  Graph fused = graph;
  const std::vector<int> uses = CountUses(graph);
  std::vector<bool> dropped(graph.nodes.size(), false);
  for (Node& node : fused.nodes) {
    const auto with_output_dtype = node.op.schema().with_output_dtype;
    for (size_t o = 0; o < node.out.size() && with_output_dtype != nullptr; ++o) {
      // What the host reads too must still be written as it is.
      const bool is_internal = graph.value(node.out[o]).kind == ValueKind::kIntermediate;
      const int reader = is_internal && uses[node.out[o]] == 1 ? OnlyReader(graph, node.out[o]) : -1;
      if (reader < 0 || graph.nodes[reader].op.name() != convert(DType::kF32).name()) continue;
      const ValueId stored = graph.nodes[reader].out[0];
      const std::optional<OpRef> op = with_output_dtype(node.op, static_cast<int>(o), graph.value(stored).spec.dtype);
      std::vector<ValueId> out = node.out;
      out[o] = stored;
      if (!op || !supported(*op, fused.specs(node.in), fused.specs(out))) continue;
      node.op = *op;
      node.out = std::move(out);
      dropped[reader] = true;
    }
  }
  GraphBuilder builder(ValuesOf(fused));
  for (size_t n = 0; n < fused.nodes.size(); ++n) {
    if (!dropped[n]) builder.AddOpInto(fused.nodes[n].op, fused.nodes[n].in, fused.nodes[n].out);
  }
  return std::move(builder).Finish();
}

namespace {

// A decomposition returns new values; the last node that makes one is pointed at the value the fused node made.
void WriteInto(Graph& graph, const std::vector<ValueId>& from, const std::vector<ValueId>& to) {
  for (Node& node : graph.nodes) {
    for (std::vector<ValueId>* ids : {&node.in, &node.out}) {
      for (ValueId& id : *ids) {
        for (size_t i = 0; i < from.size(); ++i) {
          if (id == from[i]) id = to[i];
        }
      }
    }
  }
}

absl::StatusOr<Graph> DecomposeOnce(const Graph& graph, const std::function<bool(const Graph&, const Node&)>& keep,
                                    bool& changed) {
  Graph result = ValuesOf(graph);
  for (const Node& node : graph.nodes) {
    if (node.op.schema().decompose == nullptr || keep(graph, node)) {
      result.nodes.push_back(node);
      continue;
    }
    GraphBuilder builder(std::move(result));
    auto parts = node.op.schema().decompose(node.op, builder, node.in);
    if (!parts.ok()) return Annotate(parts.status(), node.op.to_string());
    ASSIGN_OR_RETURN(result, std::move(builder).Finish());
    WriteInto(result, *parts, node.out);
    changed = true;
  }
  return result;
}

}  // namespace

absl::StatusOr<Graph> Decompose(const Graph& graph, const std::function<bool(const Graph&, const Node&)>& keep) {
  Graph current = graph;
  for (bool changed = true; changed;) {
    changed = false;
    ASSIGN_OR_RETURN(current, DecomposeOnce(current, keep, changed));
  }
  return current;
}

}  // namespace engine
