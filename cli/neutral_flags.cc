#include "cli/neutral_flags.h"

#include <algorithm>

#include "absl/strings/str_split.h"

namespace engine {
namespace {

struct NeutralFlag {
  std::string_view names;
  std::string_view value;    // what --help shows; empty: a switch
  std::string_view neutral;  // values that are taken, separated by commas; empty: any
  std::string_view reason;
};

constexpr std::string_view kAllLayers = "every device has a part of each layer; --tensor-parallel-size says how many";
constexpr std::string_view kInCheckpoint = "the checkpoint says what it is";

constexpr NeutralFlag kFlags[] = {
    {"--pipeline-parallel-size,-pp", "N", "1", kAllLayers},
    {"--data-parallel-size,-dp,--dp", "N", "1", "start a server for each copy of the model"},
    {"--ep", "N", "1", kAllLayers},
    {"--cp", "N", "1", kAllLayers},
    {"--distributed-executor-backend", "NAME", "mp,ray,uni", kAllLayers},
    {"--communicator", "NAME", "nccl,native,cuda-ipc", kAllLayers},
    {"--role", "ROLE", "Hybrid", "one process reads prompts and writes answers"},
    {"--dtype", "TYPE", "auto", "the checkpoint says in which type weights are computed with"},
    {"--load-format", "FORMAT", "auto", kInCheckpoint},
    {"--model-format", "FORMAT", "hf,awq,gptq,compressed-tensors", kInCheckpoint},
    {"--quantization,-q", "METHOD", "awq,awq_marlin,gptq,gptq_marlin,compressed-tensors", kInCheckpoint},
    {"--tokenizer-mode", "MODE", "auto", kInCheckpoint},
    {"--rope-scaling-factor", "X", "0,0.0", kInCheckpoint},
    {"--task", "TASK", "auto,generate", kInCheckpoint},
    {"--backend", "NAME", "turbomind,pytorch", "there is one engine"},
    {"--trust-remote-code", "", "true,false", "code of a checkpoint is never run"},
    {"--enable-auto-tool-choice", "", "true",
     "tool calls are told from text where a request has tools; "
     "--tool-call-parser none for none"},
    {"--enable-chunked-prefill", "", "true", "prompts are read in chunks of --max-num-batched-tokens"},
    {"--num-tokens-per-iter", "N", "0", "--max-num-batched-tokens says how many"},
    {"--max-prefill-iters", "N", "1", "prompts are read in chunks of --max-num-batched-tokens"},
    {"--num-scheduler-steps", "N", "1", "each step is scheduled"},
    {"--scheduling-policy", "NAME", "fcfs,priority",
     "requests of the same priority run in the order in which they come"},
    {"--block-size,--cache-block-seq-len", "N", "16,32,64",
     "blocks of the cache have 32 tokens, which no answer shows"},
    {"--cpu-offload-gb", "GIB", "0", "weights stay on --device"},
    {"--stream-interval", "N", "1", "tokens are sent as they are made"},
    {"--max-logprobs", "N", "20", "a request may ask for so many"},
    {"--api-server-count,-asc", "N", "1", "--http-threads says how many read and write"},
    {"--allow-methods,--allowed-methods", "METHOD", "*,[\"*\"]", "--allowed-origins says who may call"},
    {"--allow-headers,--allowed-headers", "NAME", "*,[\"*\"]", "--allowed-origins says who may call"},
    {"--allow-credentials", "", "false", "keys come in headers, and not by cookies"},
    {"--cont-batching,-cb", "", "true", "requests are always batched"},
    {"--disable-log-requests", "", "true", "nothing of a prompt is logged unless --enable-log-requests says so"},
    {"--enable-request-id-headers", "", "true", "answers always carry x-request-id"},
    {"--enable-prompt-tokens-details", "", "true", "usage always says how many tokens were cached"},
    {"--disable-log-stats", "", "true", "numbers are in /metrics and not in the log"},
    {"--disable-fastapi-docs", "", "true", "there are none"},
    {"--disable-metrics", "", "false", "/metrics is always there"},
    {"--log-level,--uvicorn-log-level", "LEVEL", "INFO,info",
     "there is one log; --no-access-log leaves answers out of it"},
    {"--enforce-eager,--eager-mode", "", "true", "nothing is compiled at the start"},
    {"--optimization-level,-O", "N", "0,1,2,3", "nothing is compiled at the start"},
    {"--async", "N", "1", "the next step is always made ready while one runs"},
    {"--async-scheduling", "", "true", "the next step is always made ready while one runs"},
    {"--n-gpu-layers,--gpu-layers,-ngl", "N", "", "all layers run on --device"},
    {"--swap-space", "GIB", "0,4", "a request that lost its blocks is computed again"},
    {"--flash-attn,-fa", "MODE", "on,auto", "attention is a single kernel"},
    {"--enable-reasoning", "", "true", "--reasoning-parser says how"},
    {"--response-role", "ROLE", "assistant", "no other role answers"},
    {"--chat-template-content-format", "FORMAT", "auto", "the chat template shows it"},
    {"--guided-decoding-backend", "NAME", "auto,guidance", "llguidance holds answers to grammars"},
    {"--jinja", "", "true", "chat templates are always rendered"},
    {"--metrics", "", "true", "/metrics is always there"},
};

absl::Status Check(const NeutralFlag& flag, const std::string& value) {
  if (flag.neutral.empty()) return absl::OkStatus();
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
