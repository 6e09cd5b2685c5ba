#include <cstdio>

#include "absl/strings/str_format.h"
#include "cli/engine_flags.h"
#include "cli/json_output.h"
#include "cli/verbs.h"
#include "engine/inspect.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const DeviceReport& device) {
  if (!device.state.ok()) return {{"name", device.name}, {"usable", false}, {"reason", Message(device.state)}};
  return {{"name", device.name},
          {"usable", true},
          {"description", device.description},
          {"isa", device.isa},
          {"threads", device.workers},
          {"memory_bytes", device.memory_bytes},
          {"remarks", device.remarks}};
}

void PrintDevice(const DeviceReport& device) {
  if (!device.state.ok()) {
    absl::PrintF("%-6s not usable: %s\n", device.name, Message(device.state));
    return;
  }
  absl::PrintF("%-6s %s, %s, %.1f GB of memory\n", device.name, device.description, device.isa,
               static_cast<double>(device.memory_bytes) / 1e9);
  for (const std::string& remark : device.remarks) absl::PrintF("       %s\n", remark);
}

}  // namespace

absl::Status DevicesVerb(Arguments arguments) {
  std::string output = "text";
  FlagSet flags("engine devices", "Lists every kind of device, and why one cannot be used here.");
  AddOutputFlag(flags, output);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  Json document = Json::array();
  for (const DeviceReport& device : InspectDevices()) {
    if (output == "json") {
      document.push_back(ToJson(device));
    } else {
      PrintDevice(device);
    }
  }
  if (output == "json") PrintJson(document);
  return absl::OkStatus();
}

}  // namespace engine
