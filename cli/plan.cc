#include <cstdio>

#include "absl/strings/str_format.h"
#include "cli/engine_flags.h"
#include "cli/json_output.h"
#include "cli/served_models.h"
#include "cli/verbs.h"
#include "engine/inspect.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const PlanReport& report) {
  const MemoryPlan& memory = report.memory;
  Json json = {{"model", report.model},
               {"device", report.device},
               {"devices", report.devices},
               {"architecture", report.architecture},
               {"max_model_len", report.max_model_len},
               {"max_num_seqs", report.max_num_seqs},
               {"max_num_batched_tokens", report.max_num_batched_tokens},
               {"weight_bytes", memory.weight_bytes},
               {"kv_cache_bytes", memory.kv_cache_bytes},
               {"kv_cache_grows", memory.grows},
               {"activation_bytes", memory.activation_bytes},
               {"workspace_bytes", memory.workspace_bytes},
               {"step_bytes", memory.step_bytes},
               {"process_bytes", memory.process_bytes},
               {"total_bytes", memory.total_bytes()},
               {"limit_bytes", memory.limit_bytes},
               {"context_bytes", memory.context_bytes},
               {"fits", memory.fits.ok()}};
  if (!memory.fits.ok()) json["reason"] = Message(memory.fits);
  return json;
}

void PrintLine(std::string_view what, int64_t bytes, const std::string& remark) {
  absl::PrintF("%-12s %10.1f MB   %s\n", what, static_cast<double>(bytes) / 1e6, remark);
}

void Print(const PlanReport& report) {
  const MemoryPlan& memory = report.memory;
  const std::string each = report.devices == 1 ? "" : absl::StrFormat("each of %d devices: ", report.devices);
  absl::PrintF("%s on %s%s\n\n", report.architecture, each, report.device);
  PrintLine("weights", memory.weight_bytes, "in the layouts of the kernels that will run");
  PrintLine("KV cache", memory.kv_cache_bytes,
            absl::StrFormat("%.1f contexts of %d tokens at once; %d sequences may run",
                            static_cast<double>(memory.kv_cache_bytes) / static_cast<double>(memory.context_bytes),
                            report.max_model_len, report.max_num_seqs));
  if (memory.grows) PrintLine("  at first", memory.context_bytes, "the rest as it is used");
  PrintLine("activations", memory.activation_bytes,
            absl::StrFormat("of steps of up to %d tokens", report.max_num_batched_tokens));
  PrintLine("workspace", memory.workspace_bytes, "of kernels");
  PrintLine("steps", memory.step_bytes, "inputs, logits and samples");
  if (memory.process_bytes > 0) PrintLine("process", memory.process_bytes, "program and vocabulary");
  PrintLine("together", memory.total_bytes(),
            absl::StrFormat("of %.1f MB", static_cast<double>(memory.limit_bytes) / 1e6));
}

int64_t TotalBytes(const std::vector<PlanReport>& reports) {
  int64_t total = 0;
  for (const PlanReport& report : reports) total += report.memory.total_bytes();
  return total;
}

Json ToJson(const std::vector<PlanReport>& reports) {
  if (reports.size() == 1) return ToJson(reports.front());
  Json json = {{"models", Json::array()}, {"total_bytes", TotalBytes(reports)}};
  for (const PlanReport& report : reports) json["models"].push_back(ToJson(report));
  return json;
}

void Print(const std::vector<PlanReport>& reports) {
  for (const PlanReport& report : reports) {
    if (reports.size() > 1) absl::PrintF("%s%s\n", &report == &reports.front() ? "" : "\n", report.model);
    Print(report);
  }
  if (reports.size() == 1) return;
  absl::PrintF("\nAll models together: %.1f MB\n", static_cast<double>(TotalBytes(reports)) / 1e6);
}

}  // namespace

absl::Status PlanVerb(Arguments arguments) {
  std::vector<std::string> models;
  EngineOptions options{.model = kDefaultModel};
  std::string output = "text";
  FlagSet flags("engine plan [MODEL ...]", "Shows where the memory of models would go, before any of it is taken.");
  AddModelsFlag(flags, models);
  AddOutputFlag(flags, output);
  AddDeviceFlags(flags, options);
  AddLimitFlags(flags, options);
  AddSpeculationFlags(flags, options);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  if (models.empty()) models.emplace_back(kDefaultModel);
  ASSIGN_OR_RETURN(const std::vector<ModelToServe> served, ReadModels(models, {}));
  RETURN_IF_ERROR(CompleteOptions(flags, options));
  std::vector<EngineOptions> all(served.size(), options);
  for (size_t m = 0; m < served.size(); ++m) all[m].model = served[m].model;
  ASSIGN_OR_RETURN(const std::vector<PlanReport> reports, InspectPlans(all));
  if (output == "json") {
    PrintJson(ToJson(reports));
  } else {
    Print(reports);
  }
  return reports.front().memory.fits;
}

}  // namespace engine
