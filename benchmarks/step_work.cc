#include "benchmarks/step_work.h"

#include "benchmarks/attention_work.h"

namespace engine {
namespace {

void AddAttention(const PagedAttention& attention, const TensorSpec& cache, const StepPlan& plan, StepWork& work) {
  for (const ScheduledSequence& part : plan.sequences) {
    const Cost cost = AttentionWork(attention, cache, part.first_position, part.num_tokens);
    work.bytes += static_cast<double>(cost.bytes);
    work.attention_operations += static_cast<double>(cost.operations);
  }
}

}  // namespace

StepWork& StepWork::operator+=(const StepWork& other) {
  seconds += other.seconds;
  steps += other.steps;
  tokens += other.tokens;
  bytes += other.bytes;
  layer_operations += other.layer_operations;
  head_operations += other.head_operations;
  attention_operations += other.attention_operations;
  return *this;
}

StepWork LeastWork(const Program& program, const StepPlan& plan) {
  StepWork work{.steps = 1, .tokens = plan.extents.tokens};
  for (const Step& step : program.steps) {
    const Node& node = program.graph.nodes[step.node];
    const std::vector<TensorSpec> in = program.graph.specs(node.in);
    if (node.op.name() == "paged_attention") {
      AddAttention(node.op.as<PagedAttention>(), in[1], plan, work);
    } else if (node.op.name() == "linear" || node.op.name() == "gated_mlp") {
      const Cost cost = node.op.schema().cost(node.op, in, program.graph.specs(node.out), plan.extents);
      work.bytes += static_cast<double>(cost.bytes);
      double& operations = in[0].shape.leading() == kTokens ? work.layer_operations : work.head_operations;
      operations += static_cast<double>(cost.operations);
    }
  }
  return work;
}

}  // namespace engine
