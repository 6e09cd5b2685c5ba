#include "engine/inspect.h"

#include <algorithm>

#include "backends/backends.h"
#include "core/base/resident_memory.h"
#include "engine/model_text.h"
#include "engine/open_model.h"

namespace engine {
namespace {

std::string TypesOf(const Program& program, const Node& node) {
  std::string types;
  for (const ValueId id : node.in) types += program.graph.value(id).spec.to_string() + " ";
  types += "->";
  for (const ValueId id : node.out) types += " " + program.graph.value(id).spec.to_string();
  return types;
}

OpReport ReportStep(const Program& program, const Step& step) {
  const Node& node = program.graph.nodes[step.node];
  OpReport report{.op = node.op.to_string(), .types = TypesOf(program, node)};
  for (const Candidate& candidate : step.walk) {
    report.candidates.push_back({.kernel = std::string(candidate.entry),
                                 .exactness = std::string(Name(candidate.exactness)),
                                 .declined = std::string(Message(candidate.answer))});
  }
  return report;
}

}  // namespace

std::vector<DeviceReport> InspectDevices() {
  std::vector<DeviceReport> reports;
  for (const DeviceListing& device : ListDevices()) {
    std::vector<std::string> remarks = device.info.remarks;
    if (device.info.matrix_library) {
      const absl::Status library = device.info.matrix_library();
      remarks.push_back(library.ok() ? "a library multiplies bf16 matrices with --numerics fast"
                                     : absl::StrFormat("no library multiplies matrices: %s", Message(library)));
    }
    reports.push_back({.name = device.name,
                       .state = device.state,
                       .description = device.info.description,
                       .isa = device.info.isa,
                       .workers = device.info.workers,
                       .memory_bytes = device.info.memory_bytes,
                       .remarks = std::move(remarks)});
  }
  return reports;
}

std::vector<std::string> SupportedArchitectures() {
  std::vector<std::string> names;
  for (const ModelDefinition& model : Models()) names.emplace_back(model.architecture);
  return names;
}

absl::Status CheckModel(const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(path));
  ASSIGN_OR_RETURN(const WeightCatalog catalog, WeightCatalog::Create(*checkpoint));
  RETURN_IF_ERROR(ParseModel(catalog).status());
  return LoadModelText(*checkpoint).status();
}

absl::StatusOr<PlanReport> InspectPlan(const EngineOptions& options) {
  ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(options));
  ASSIGN_OR_RETURN(const ModelText text, LoadModelText(*opened.checkpoint));  // resident while the engine runs
  opened.options.vocab = std::min(text.tokenizer->vocab_size(), opened.config.vocab);
  ReturnFreedMemory();
  ASSIGN_OR_RETURN(PlannedModel planned, PlanModel(opened));
  const SchedulerConfig& limits = opened.options.limits;
  return PlanReport{.device = opened.device().info().description,
                    .devices = static_cast<int>(opened.devices.size()),
                    .architecture = opened.config.architecture,
                    .max_model_len = limits.max_model_len,
                    .max_num_seqs = limits.max_num_seqs,
                    .max_num_batched_tokens = limits.max_num_batched_tokens,
                    .memory = std::move(planned.memory)};
}

absl::StatusOr<std::vector<OpReport>> InspectKernels(const EngineOptions& options) {
  ASSIGN_OR_RETURN(const OpenedModel opened, OpenModel(options));
  ASSIGN_OR_RETURN(const CompiledModel compiled, CompileModel(opened));
  const Program& program = compiled.program;
  std::vector<OpReport> reports;
  for (const Step& step : program.steps) {
    OpReport report = ReportStep(program, step);
    const auto same = std::ranges::find_if(
        reports, [&](const OpReport& other) { return other.op == report.op && other.types == report.types; });
    if (same == reports.end()) {
      reports.push_back(std::move(report));
    } else {
      ++same->count;
    }
  }
  return reports;
}

}  // namespace engine
