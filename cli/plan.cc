#include <cstdio>

#include "absl/strings/str_format.h"
#include "cli/engine_flags.h"
#include "cli/json_output.h"
#include "cli/verbs.h"
#include "engine/inspect.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const PlanReport& report) {
  const MemoryPlan& memory = report.memory;
  Json json = {{"device", report.device},
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

}  // namespace

absl::Status PlanVerb(Arguments arguments) {
  EngineOptions options{.model = kDefaultModel};
  std::string output = "text";
  FlagSet flags("engine plan [MODEL]", "Shows where the memory of a model would go, before any of it is taken.");
  AddModelFlag(flags, options.model);
  AddOutputFlag(flags, output);
  AddDeviceFlags(flags, options);
  AddLimitFlags(flags, options);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  RETURN_IF_ERROR(CompleteOptions(flags, options));
  ASSIGN_OR_RETURN(const PlanReport report, InspectPlan(options));
  if (output == "json") {
    PrintJson(ToJson(report));
  } else {
    Print(report);
  }
  return report.memory.fits;
}

}  // namespace engine
