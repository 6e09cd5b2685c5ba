#include <cstdio>

#include "absl/strings/str_format.h"
#include "cli/engine_flags.h"
#include "cli/json_output.h"
#include "cli/verbs.h"
#include "engine/inspect.h"
#include "engine/self_test.h"

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
  absl::PrintF("%s  %s (%s)%s%s\n", passed ? "ok    " : "FAILED", check.name, check.figures, passed ? "" : ": ",
               Message(check.result));
  std::fflush(stdout);
}

std::string Describe(const std::string& name) {
  for (const DeviceReport& device : InspectDevices()) {
    if (device.name != name && device.name != name + ":0") continue;
    return absl::StrFormat("%s: %s, %s", device.name, device.description, device.isa);
  }
  return name;
}

}  // namespace

absl::Status SelftestVerb(Arguments arguments) {
  EngineOptions options{.model = kDefaultModel};
  std::string output = "text";
  FlagSet flags("engine selftest [MODEL]", "Shows whether a device computes what the CPU computes, and how fast.");
  AddModelFlag(flags, options.model);
  flags.AddChoice({"--output,-o", "FORMAT", "text (default) or json"}, {"text", "json"}, output);
  flags.Add({"--device", "NAME", "what to test (`engine devices` lists them)"}, options.device);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  const bool as_text = output == "text";
  const std::string device = Describe(options.device);
  if (as_text) absl::PrintF("%s\n", device);
  Json checks = Json::array();
  int failed = 0;
  RETURN_IF_ERROR(SelfTest(options, [&](const SelfTestCheck& check) {
    failed += check.result.ok() ? 0 : 1;
    as_text ? PrintCheck(check) : checks.push_back(ToJson(check));
  }));
  if (!as_text) PrintJson({{"device", device}, {"model", options.model}, {"checks", std::move(checks)}});
  if (failed == 0) return absl::OkStatus();
  return DataLoss("%d checks failed: do not trust answers of this device", failed);
}

}  // namespace engine
