#include "cli/neutral_flags.h"

#include <algorithm>

#include "absl/strings/str_split.h"

namespace engine {
namespace {

struct NeutralFlag {
  std::string_view names;
  std::string_view value;    // what --help shows; empty: a switch
  std::string_view neutral;  // values that are taken, separated by commas
  std::string_view reason;
};

constexpr std::string_view kOneDevice = "a model runs on one device";

constexpr NeutralFlag kFlags[] = {
    {"--tensor-parallel-size,-tp,--tp", "N", "1", kOneDevice},
    {"--pipeline-parallel-size,-pp", "N", "1", kOneDevice},
    {"--data-parallel-size,-dp,--dp", "N", "1", "start a server for each copy of the model"},
    {"--n-gpu-layers,--gpu-layers,-ngl", "N", "0", "all layers run on --device"},
    {"--dtype", "TYPE", "auto", "the checkpoint says in which type weights are computed with"},
    {"--load-format", "FORMAT", "auto", "the checkpoint says what it is"},
    {"--generation-config", "WHERE", "auto", "the checkpoint's is used"},
    {"--backend", "NAME", "turbomind,pytorch", "there is one engine"},
    {"--trust-remote-code", "", "true,false", "code of a checkpoint is never run"},
    {"--enable-auto-tool-choice", "", "true",
     "tool calls are told from text where a request has tools; "
     "--tool-call-parser none for none"},
    {"--enable-chunked-prefill", "", "true", "prompts are read in chunks of --max-num-batched-tokens"},
    {"--cont-batching,-cb", "", "true", "requests are always batched"},
    {"--enable-log-requests", "", "false", "nothing of a prompt is logged"},
    {"--disable-log-requests", "", "true", "nothing of a prompt is logged"},
    {"--enable-request-id-headers", "", "true", "answers always carry x-request-id"},
    {"--enable-prompt-tokens-details", "", "true", "usage always says how many tokens were cached"},
    {"--jinja", "", "true", "chat templates are always rendered"},
    {"--metrics", "", "true", "/metrics is always there"},
};

absl::Status Check(const NeutralFlag& flag, const std::string& value) {
  const std::vector<std::string> taken = absl::StrSplit(std::string(flag.neutral), ',');
  if (std::ranges::find(taken, value) != taken.end()) return absl::OkStatus();
  return InvalidArgument("is '%s'; it can only be %s: %s", value, flag.neutral, flag.reason);
}

}  // namespace

void AddNeutralFlags(FlagSet& flags) {
  for (const NeutralFlag& flag : kFlags) {
    flags.AddReader({flag.names, flag.value, flag.reason},
                    [&flag](const std::string& value) { return Check(flag, value); });
  }
}

}  // namespace engine
