#include <cstdio>

#include "absl/strings/str_format.h"
#include "cli/engine_flags.h"
#include "cli/json_output.h"
#include "cli/verbs.h"
#include "engine/inspect.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const OpReport& report) {
  Json candidates = Json::array();
  for (const KernelCandidate& candidate : report.candidates) {
    candidates.push_back({{"kernel", candidate.kernel}, {"exactness", candidate.exactness}});
    if (!candidate.declined.empty()) candidates.back()["declined"] = candidate.declined;
  }
  return {{"op", report.op}, {"types", report.types}, {"count", report.count}, {"candidates", std::move(candidates)}};
}

void PrintOp(const OpReport& report) {
  absl::PrintF("%dx %s  %s\n", report.count, report.op, report.types);
  for (const KernelCandidate& candidate : report.candidates) {
    const bool runs = candidate.declined.empty();
    absl::PrintF("    %s %s (%s)%s%s\n", runs ? "runs    " : "declined", candidate.kernel, candidate.exactness,
                 runs ? "" : ": ", candidate.declined);
  }
}

}  // namespace

absl::Status KernelsVerb(Arguments arguments) {
  EngineOptions options{.model = kDefaultModel};
  std::string output = "text";
  FlagSet flags("engine kernels [MODEL]", "Shows which kernel runs each op of a model, and why the others declined.");
  AddModelFlag(flags, options.model);
  AddOutputFlag(flags, output);
  AddDeviceFlags(flags, options);
  AddLimitFlags(flags, options);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  RETURN_IF_ERROR(CompleteOptions(flags, options));
  ASSIGN_OR_RETURN(const std::vector<OpReport> reports, InspectKernels(options));
  if (output == "json") {
    Json document = Json::array();
    for (const OpReport& report : reports) document.push_back(ToJson(report));
    PrintJson(document);
  } else {
    for (const OpReport& report : reports) PrintOp(report);
  }
  return absl::OkStatus();
}

}  // namespace engine
