#include "core/graph/program.h"

#include "absl/strings/str_format.h"

namespace engine {

int64_t MaxBytes(const TensorSpec& spec, const StepLimits& limits) {
  const StepExtents extents{
      .tokens = limits.max_tokens, .sequences = limits.max_sequences, .sampled = limits.max_sampled};
  return Resolve(spec.shape.leading(), extents) * spec.row_bytes();
}

absl::Status Program::Bind(const std::vector<std::byte*>& addresses, std::byte* arena, std::byte* scratch) {
  std::vector<Tensor> tensors(graph.values.size());
  for (size_t id = 0; id < graph.values.size(); ++id) {
    std::byte* data = arena_offsets[id] >= 0 ? arena + arena_offsets[id] : addresses[id];
    tensors[id] = {data, &graph.values[id].spec};
  }
  for (Step& step : steps) {
    const Node& node = graph.nodes[step.node];
    const auto bind = [&](const std::vector<ValueId>& ids, std::vector<Tensor>& out) -> absl::Status {
      out.clear();
      for (const ValueId id : ids) {
        if (tensors[id].data == nullptr) {
          return FailedPrecondition("%s: %s has no address", node.op.to_string(), graph.value(id).name);
        }
        out.push_back(tensors[id]);
      }
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(bind(node.in, step.in));
    RETURN_IF_ERROR(bind(node.out, step.out));
    step.scratch = {scratch + step.scratch_offset, static_cast<size_t>(step.kernel->scratch_bytes())};
  }
  return absl::OkStatus();
}

}  // namespace engine
