#include "engine/inspect.h"

#include <algorithm>

#include "backends/backends.h"
#include "core/base/resident_memory.h"
#include "engine/draft_model.h"
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

absl::StatusOr<std::vector<PlanReport>> InspectPlans(std::span<const EngineOptions> options) {
  std::vector<std::unique_ptr<OpenedModel>> opened;
  std::vector<ModelText> texts;  // resident while the engines run
  Devices devices;               // every model's
  for (const EngineOptions& model : options) {
    RETURN_IF_ERROR(CheckSharesDevice(options.front(), model));
    ASSIGN_OR_RETURN(OpenedModel one, OpenModel(model, devices));
    ASSIGN_OR_RETURN(ModelText text, LoadModelText(*one.checkpoint));
    one.options.vocab = std::min(text.tokenizer->vocab_size(), one.config.vocab);
    devices = one.devices;
    opened.push_back(std::make_unique<OpenedModel>(std::move(one)));
    if (!model.draft_model.empty()) {
      ASSIGN_OR_RETURN(auto draft, DraftModel::Open(model, *opened.back(), *text.tokenizer));
      opened.push_back(std::move(draft));
    }
    texts.push_back(std::move(text));
  }
  ReturnFreedMemory();
  std::vector<PlannedModel> planned;
  if (opened.size() == 1) {
    ASSIGN_OR_RETURN(planned.emplace_back(), PlanModel(*opened.front()));
  } else {
    std::vector<OpenedModel*> together;
    for (const auto& one : opened) together.push_back(one.get());
    ASSIGN_OR_RETURN(planned, PlanTogether(together));
  }
  std::vector<PlanReport> reports;
  for (size_t m = 0; m < opened.size(); ++m) {
    const SchedulerConfig& limits = opened[m]->options.limits;
    reports.push_back({.model = opened[m]->path,
                       .device = opened[m]->device().info().description,
                       .devices = static_cast<int>(opened[m]->devices.size()),
                       .architecture = opened[m]->config.architecture,
                       .max_model_len = limits.max_model_len,
                       .max_num_seqs = limits.max_num_seqs,
                       .max_num_batched_tokens = limits.max_num_batched_tokens,
                       .memory = std::move(planned[m].memory)});
  }
  return reports;
}

absl::StatusOr<PlanReport> InspectPlan(const EngineOptions& options) {
  ASSIGN_OR_RETURN(std::vector<PlanReport> reports, InspectPlans({&options, 1}));
  return std::move(reports.front());
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
