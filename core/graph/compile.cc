#include "core/graph/compile.h"

#include <algorithm>

#include "core/base/cache_line.h"
#include "core/graph/layout_choice.h"
#include "core/graph/liveness.h"
#include "core/graph/lowering.h"

namespace engine {
namespace {

class Compiler {
 public:
  Compiler(const KernelRegistry& registry, const DeviceInfo& device, const CompileOptions& options)
      : registry_(registry), device_(device), options_(options) {}

  absl::StatusOr<Program> Compile(const Graph& model) {
    ASSIGN_OR_RETURN(Graph graph, Lower(model));
    Program program{.graph = std::move(graph), .limits = options_.limits};
    RETURN_IF_ERROR(ChooseKernels(program));
    PlanMemory(program);
    return program;
  }

 private:
  std::vector<RowRange> RangesOf(std::span<const TensorSpec> in, std::span<const TensorSpec> out) const {
    return RowRanges(RowDimension(in, out), options_.limits);
  }

  Selection Select(const OpRef& op, std::span<const TensorSpec> in, std::span<const TensorSpec> out,
                   int start = 0) const {
    const std::vector<RowRange> rows = RangesOf(in, out);
    return registry_.Select(Problem{op, in, out, rows, options_.level, device_}, start);
  }

  bool HasOwnKernel(const OpRef& op, std::span<const TensorSpec> in, std::span<const TensorSpec> out) const {
    const Selection selection = Select(op, in, out);
    return selection.entry != nullptr && selection.entry->name != kReferenceName;
  }

  // Taking a fused op apart leaves smaller ones that may want conversions of their own, hence the second insertion.
  absl::StatusOr<Graph> Lower(const Graph& model) const {
    ASSIGN_OR_RETURN(Graph graph, InsertConversions(model, options_.convert));
    const auto keep = [&](const Graph& g, const Node& node) {
      return HasOwnKernel(node.op, g.specs(node.in), g.specs(node.out));
    };
    ASSIGN_OR_RETURN(graph, Decompose(graph, keep));
    ASSIGN_OR_RETURN(graph, InsertConversions(graph, options_.convert));
    return FuseConversions(graph, options_.convert,
                           [&](const OpRef& op, std::span<const TensorSpec> in, std::span<const TensorSpec> out) {
                             return HasOwnKernel(op, in, out);
                           });
  }

  // A kernel that declines while it prepares is skipped and everything is chosen again: its weight's layout may change.
  absl::Status ChooseKernels(Program& program) {
    const std::vector<Value> open = program.graph.values;
    std::vector<int> starts(program.graph.nodes.size(), 0);
    for (bool declined = true; declined;) {
      declined = false;
      program.graph.values = open;
      RETURN_IF_ERROR(SelectAll(program, starts));
      RETURN_IF_ERROR(ChooseWeightLayouts(program, options_.level, device_));
      for (Step& step : program.steps) {
        absl::Status prepared = Prepare(program, step);
        if (prepared.ok()) continue;
        step.walk.back().answer = prepared;
        starts[step.node] = static_cast<int>(step.walk.size());
        declined = true;
      }
    }
    return absl::OkStatus();
  }

  absl::Status SelectAll(Program& program, const std::vector<int>& starts) const {
    std::vector<Step> steps(program.graph.nodes.size());
    for (size_t n = 0; n < steps.size(); ++n) {
      const Node& node = program.graph.nodes[n];
      Selection selection = Select(node.op, program.graph.specs(node.in), program.graph.specs(node.out), starts[n]);
      // Keep the reasons of entries that declined in an earlier round.
      std::vector<Candidate> walk =
          n < program.steps.size() ? std::move(program.steps[n].walk) : std::vector<Candidate>();
      walk.resize(std::min<size_t>(walk.size(), starts[n]));
      walk.insert(walk.end(), selection.walk.begin(), selection.walk.end());
      if (selection.entry == nullptr) return NoKernel(node, walk);
      steps[n].entry = selection.entry;
      steps[n].node = static_cast<int>(n);
      steps[n].walk = std::move(walk);
    }
    program.steps = std::move(steps);
    return absl::OkStatus();
  }

  absl::Status NoKernel(const Node& node, const std::vector<Candidate>& walk) const {
    std::string reasons;
    for (const Candidate& candidate : walk) {
      reasons += absl::StrFormat("\n  %s: %s", candidate.entry, Message(candidate.answer));
    }
    return Unimplemented("%s has no kernel on %s at numerics %s%s", node.op.to_string(), device_.name,
                         Name(options_.level), reasons.empty() ? "\n  the device lists none" : reasons);
  }

  absl::Status Prepare(const Program& program, Step& step) {
    const Node& node = program.graph.nodes[step.node];
    const std::vector<TensorSpec> in = program.graph.specs(node.in);
    const std::vector<TensorSpec> out = program.graph.specs(node.out);
    const std::vector<RowRange> rows = RangesOf(in, out);
    ASSIGN_OR_RETURN(step.kernel,
                     step.entry->prepare(Problem{node.op, in, out, rows, options_.level, device_, &parts_}));
    return absl::OkStatus();
  }

  void PlanMemory(Program& program) const {
    const ArenaPlan arena = PlanArena(program.graph, options_.limits);
    const std::vector<bool> barriers = PlanBarriers(program.graph, arena, options_.limits);
    program.arena_offsets = arena.offsets;
    program.arena_bytes = arena.bytes;
    int64_t scratch = 0;
    for (Step& step : program.steps) {
      step.barrier = barriers[step.node];
      if (step.barrier) scratch = 0;
      step.scratch_offset = scratch;
      scratch += CacheLines(step.kernel->scratch_bytes());
      program.scratch_bytes = std::max(program.scratch_bytes, scratch);
    }
  }

  const KernelRegistry& registry_;
  const DeviceInfo& device_;
  const CompileOptions& options_;
  PreparedParts parts_;
};

}  // namespace

int64_t RowDimension(std::span<const TensorSpec> in, std::span<const TensorSpec> out) {
  return (out.empty() ? in : out).front().shape.leading();
}

std::vector<RowRange> RowRanges(int64_t leading, const StepLimits& limits) {
  const int64_t max_rows =
      Resolve(leading, {.tokens = limits.max_tokens, .sequences = limits.max_sequences, .sampled = limits.max_sampled});
  std::vector<RowRange> ranges;
  for (const RowRange range : {RowRange{1, 1}, RowRange{2, 16}, RowRange{17, max_rows}}) {
    if (range.min <= max_rows) ranges.push_back({range.min, std::min(range.max, max_rows)});
  }
  return ranges;
}

absl::StatusOr<Program> Compile(const Graph& graph, const KernelRegistry& registry, const DeviceInfo& device,
                                const CompileOptions& options) {
  return Compiler(registry, device, options).Compile(graph);
}

}  // namespace engine
