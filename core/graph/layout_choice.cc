#include "core/graph/layout_choice.h"

#include <algorithm>
#include <map>

namespace engine {
namespace {

constexpr LayoutId kDefaultLayouts[] = {kRowMajor};

struct Consumer {
  const Step* step;
  std::vector<LayoutId> layouts;
};

std::vector<LayoutId> LayoutsOf(const Program& program, const Step& step, int index, Numerics level,
                                const DeviceInfo& device) {
  std::span<const LayoutId> layouts = kDefaultLayouts;
  if (step.entry->weight_layouts != nullptr) {
    const Node& node = program.graph.nodes[step.node];
    const std::vector<TensorSpec> in = program.graph.specs(node.in);
    const std::vector<TensorSpec> out = program.graph.specs(node.out);
    layouts = step.entry->weight_layouts(Problem{node.op, in, out, {}, level, device}, index);
  }
  return {layouts.begin(), layouts.end()};
}

bool Takes(const Consumer& consumer, LayoutId layout) {
  return std::find(consumer.layouts.begin(), consumer.layouts.end(), layout) != consumer.layouts.end();
}

absl::StatusOr<LayoutId> CommonLayout(const Value& weight, const std::vector<Consumer>& consumers) {
  for (const LayoutId layout : consumers.front().layouts) {
    if (std::all_of(consumers.begin(), consumers.end(), [&](const Consumer& c) { return Takes(c, layout); })) {
      return layout;
    }
  }
  std::string text;
  for (const Consumer& consumer : consumers) {
    text += absl::StrFormat("\n  %s takes", consumer.step->entry->name);
    for (const LayoutId layout : consumer.layouts) text += absl::StrFormat(" %s", layout.name);
  }
  return Unimplemented("weight %s %s is shared by kernels that agree on no layout:%s", weight.name,
                       weight.spec.to_string(), text);
}

}  // namespace

absl::Status ChooseWeightLayouts(Program& program, Numerics level, const DeviceInfo& device) {
  std::map<ValueId, std::vector<Consumer>> consumers;
  for (const Step& step : program.steps) {
    const std::vector<ValueId>& in = program.graph.nodes[step.node].in;
    for (size_t i = 0; i < in.size(); ++i) {
      if (program.graph.value(in[i]).kind != ValueKind::kWeight) continue;
      consumers[in[i]].push_back({&step, LayoutsOf(program, step, static_cast<int>(i), level, device)});
    }
  }
  for (const auto& [id, list] : consumers) {
    ASSIGN_OR_RETURN(program.graph.values[id].spec.layout, CommonLayout(program.graph.value(id), list));
  }
  return absl::OkStatus();
}

}  // namespace engine
