#include <cstdio>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/engine_flags.h"
#include "cli/json_output.h"
#include "cli/verbs.h"
#include "engine/inspect.h"
#include "engine/version.h"
#include "selftest/self_test.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const SelfTestCheck& check) {
  Json json = {{"check", check.name}, {"passed", check.result.ok()}, {"figures", check.figures}};
  if (!check.result.ok()) json["error"] = Message(check.result);
  return json;
}

void PrintCheck(const SelfTestCheck& check) {
  const bool passed = check.result.ok();
  absl::PrintF("%s  %s%s%s%s%s\n", passed ? "ok    " : "FAILED", check.name, check.figures.empty() ? "" : ": ",
               check.figures, passed ? "" : ": ", Message(check.result));
  std::fflush(stdout);
}

// What this machine has, and why it has no more.
std::vector<std::string> Inventory() {
  std::vector<std::string> lines = {absl::StrFormat("engine %s", Version())};
  for (const DeviceReport& device : InspectDevices()) {
    lines.push_back(device.state.ok() ? absl::StrFormat("%s: %s, %s, %.1f GB", device.name, device.description,
                                                        device.isa, static_cast<double>(device.memory_bytes) / 1e9)
                                      : absl::StrFormat("%s: none: %s", device.name, Message(device.state)));
  }
  return lines;
}

}  // namespace

absl::Status SelftestVerb(Arguments arguments) {
  SelfTestOptions options{.device = "cpu"};
  std::string model;
  std::string output = "text";
  FlagSet flags(
      "engine selftest [MODEL]",
      "Shows whether a device computes what the CPU computes, in every kernel and in models that it brings along,\n"
      "and how close it comes to its own limits. With MODEL, that too.");
  AddModelFlag(flags, model);
  AddOutputFlag(flags, output);
  flags.Add({"--device", "NAME", "what to test (`engine devices` lists them)"}, options.device);
  AddTensorParallelFlag(flags, options.tensor_parallel_size);
  flags.Add({"--threads,-t", "N", "CPU threads; 0: as many as the process may run on (0)"}, options.threads);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  if (!model.empty()) options.model = model;
  const bool as_text = output == "text";
  const std::vector<std::string> inventory = Inventory();
  if (as_text) absl::PrintF("%s\ntesting %s\n", absl::StrJoin(inventory, "\n"), options.device);
  Json checks = Json::array();
  int failed = 0;
  const absl::Status ran = SelfTest(options, [&](const SelfTestCheck& check) {
    failed += check.result.ok() ? 0 : 1;
    as_text ? PrintCheck(check) : checks.push_back(ToJson(check));
  });
  if (!as_text) {
    Json document = {{"device", options.device},
                     {"tensor_parallel_size", options.tensor_parallel_size},
                     {"inventory", inventory},
                     {"model", model},
                     {"checks", std::move(checks)}};
    if (!ran.ok()) document["error"] = Message(ran);
    PrintJson(document);
  }
  RETURN_IF_ERROR(ran);
  if (failed == 0) return absl::OkStatus();
  return DataLoss("%d checks failed: do not trust answers of this device", failed);
}

}  // namespace engine
