#include "tests/unit/ops/reference_run.h"

#include <map>

#include "core/base/check.h"
#include "core/graph/builder.h"
#include "core/kernel/kernel.h"

namespace engine {

std::vector<OwnedTensor> RunReference(const OpRef& op, std::vector<OwnedTensor>& in, const StepExtents& extents) {
  std::vector<TensorSpec> specs;
  std::vector<Tensor> in_tensors, out_tensors;
  for (OwnedTensor& tensor : in) {
    specs.push_back(tensor.spec);
    in_tensors.push_back({tensor.data.data(), &tensor.spec});
  }
  const auto out_specs = op.schema().infer(op, specs);
  ENGINE_CHECK(out_specs.ok());
  std::vector<OwnedTensor> out;
  for (const TensorSpec& spec : *out_specs) {
    out.push_back({spec, std::vector<std::byte>(Resolve(spec.shape.leading(), extents) * spec.row_bytes())});
  }
  for (OwnedTensor& tensor : out) out_tensors.push_back({tensor.data.data(), &tensor.spec});
  Worker worker(0, 1, nullptr);
  op.schema().reference(op,
                        {.in = in_tensors, .out = out_tensors, .scratch = {}, .extents = extents, .worker = worker});
  return out;
}

std::vector<OwnedTensor> RunDecomposition(const OpRef& op, const std::vector<OwnedTensor>& in,
                                          const StepExtents& extents) {
  GraphBuilder builder;
  std::vector<ValueId> ids;
  std::map<ValueId, OwnedTensor> values;
  for (const OwnedTensor& tensor : in) {
    ids.push_back(builder.StepInput("in", tensor.spec));
    values[ids.back()] = tensor;
  }
  const auto results = op.schema().decompose(op, builder, ids);
  ENGINE_CHECK(results.ok());
  const auto graph = std::move(builder).Finish();
  ENGINE_CHECK(graph.ok());
  for (const Node& node : graph->nodes) {
    std::vector<OwnedTensor> node_in;
    for (const ValueId id : node.in) node_in.push_back(values.at(id));
    const std::vector<OwnedTensor> node_out = RunReference(node.op, node_in, extents);
    for (size_t o = 0; o < node.out.size(); ++o) values[node.out[o]] = node_out[o];
  }
  std::vector<OwnedTensor> out;
  for (const ValueId id : *results) out.push_back(values.at(id));
  return out;
}

}  // namespace engine
