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
constexpr std::string_view kOneMachine = "the devices of one server are of one machine";
constexpr std::string_view kNotCompiled = "nothing is compiled at the start";
constexpr std::string_view kNoDownload = "nothing is downloaded at the start; `engine pull` fetches before";
constexpr std::string_view kPlanned =
    "memory is planned before weights are read; --max-model-len auto is the longest for which there is some";
constexpr std::string_view kReadOnce = "weights are read into memory at the start; those of a packed file are mapped";
constexpr std::string_view kOneLog = "there is one log; --no-access-log leaves answers out of it";

constexpr NeutralFlag kFlags[] = {
    {"--pipeline-parallel-size,-pp", "N", "1", kAllLayers},
    {"--data-parallel-size,-dp,--dp", "N", "1", "start a server for each copy of the model"},
    {"--decode-context-parallel-size,-dcp", "N", "1", kAllLayers},
    {"--ep", "N", "1", kAllLayers},
    {"--cp", "N", "1", kAllLayers},
    {"--distributed-executor-backend", "NAME", "mp,ray,uni", kAllLayers},
    {"--nnodes", "N", "1", kOneMachine},
    {"--node-rank", "N", "0", kOneMachine},
    {"--master-addr,--master-port", "VALUE", "", kOneMachine},
    {"--split-mode,-sm", "MODE", "none,layer", "--tensor-parallel-size says how many devices compute each step"},
    {"--main-gpu,-mg", "N", "0", "--device cuda:N says which"},
    {"--communicator", "NAME", "nccl,native,cuda-ipc", kAllLayers},
    {"--role", "ROLE", "Hybrid", "one process reads prompts and writes answers"},
    {"--dtype", "TYPE", "auto", "the checkpoint says in which type weights are computed with"},
    {"--load-format", "FORMAT", "auto,hf,safetensors,gguf", kInCheckpoint},
    {"--model-format", "FORMAT", "hf,awq,gptq,compressed-tensors", kInCheckpoint},
    {"--quantization,-q", "METHOD", "awq,awq_marlin,gptq,gptq_marlin,compressed-tensors,gguf", kInCheckpoint},
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
    {"--long-prefill-token-threshold", "N", "0", "--prefill-share keeps long prompts from holding up others"},
    {"--watermark", "SHARE", "0,0.0", "no part of the cache is kept free"},
    {"--batch-size,-b,--ubatch-size,-ub", "N", "", "--max-num-batched-tokens says how many tokens a step has"},
    {"--threads-batch,-tb", "N", "", "--threads read prompts and write answers"},
    {"--num-scheduler-steps", "N", "1", "each step is scheduled"},
    {"--scheduling-policy", "NAME", "fcfs,priority",
     "requests of the same priority run in the order in which they come"},
    {"--block-size,--cache-block-seq-len", "N", "16,32,64",
     "blocks of the cache have 32 tokens, which no answer shows"},
    {"--prefix-caching-hash-algo", "NAME", "", "beginnings of prompts are compared token by token"},
    {"--cache-reuse", "N", "0", "prompts share what they begin with, and nothing behind a difference"},
    {"--cache-ram,-cram", "MIB", "", "prompts are kept in the KV cache, of --kv-cache-bytes"},
    {"--kv-unified,-kvu", "", "true,false", "requests share a cache of blocks"},
    {"--cpu-offload-gb", "GIB", "0", "weights stay on --device"},
    {"--fit,-fit", "MODE", "", kPlanned},
    {"--fit-target,-fitt", "MIB", "", kPlanned},
    {"--fit-ctx,-fitc", "N", "", kPlanned},
    {"--mlock", "", "true,false", kReadOnce},
    {"--mmap", "", "true,false", kReadOnce},
    {"--load-mode", "MODE", "", kReadOnce},
    {"--numa", "MODE", "", "weights lie on the nodes of the threads that read them"},
    {"--download-dir", "FOLDER", "", kNoDownload},
    {"--offline", "", "true,false", kNoDownload},
    {"--seed,-s", "N", "0,-1", "a request's seed repeats its answer; without one, each answer is drawn anew"},
    {"--stream-interval", "N", "1", "tokens are sent as they are made"},
    {"--sse-ping-interval", "SECONDS", "", "between tokens nothing is sent"},
    {"--logprobs-mode", "MODE", "raw_logprobs", "they are of the model's own logits"},
    {"--max-logprobs", "N", "20", "a request may ask for so many"},
    {"--api-server-count,-asc", "N", "1", "--http-threads says how many read and write"},
    {"--allow-methods,--allowed-methods", "METHOD", "*,[\"*\"]", "--allowed-origins says who may call"},
    {"--allow-headers,--allowed-headers", "NAME", "*,[\"*\"]", "--allowed-origins says who may call"},
    {"--allow-credentials", "", "false", "keys come in headers, and not by cookies"},
    {"--cont-batching,-cb", "", "true", "requests are always batched"},
    {"--disable-log-requests", "", "true", "nothing of a prompt is logged unless --enable-log-requests says so"},
    {"--enable-request-id-headers", "", "true", "answers always carry x-request-id"},
    {"--enable-prompt-tokens-details", "", "true", "usage always says how many tokens were cached"},
    {"--enable-per-request-metrics", "", "true,false", "answers always carry timings"},
    {"--enable-force-include-usage", "", "false", "a stream tells it whose stream_options has include_usage"},
    {"--disable-log-stats", "", "true", "numbers are in /metrics and not in the log"},
    {"--disable-fastapi-docs", "", "true", "there are none"},
    {"--webui,--ui", "", "true", "the page at / is always there, and asks for the same keys as any client"},
    {"--slots", "", "false", "there are none; /metrics says what runs and waits"},
    {"--props", "", "false", "settings are those of the start; /v1/models names the models"},
    {"--timeout,-to", "SECONDS", "", "--request-timeout bounds what a request may take"},
    {"--sleep-idle-seconds", "N", "-1", "the model stays loaded"},
    {"--ssl-cert-reqs", "N", "0", "certificates of clients are not asked for"},
    {"--enable-metrics", "", "true", "/metrics is always there"},
    {"--disable-metrics", "", "false", "/metrics is always there"},
    {"--log-level,--uvicorn-log-level", "LEVEL", "", kOneLog},
    {"--verbosity,--log-verbosity,-lv", "N", "", kOneLog},
    {"--verbose,--log-verbose,-v", "", "true,false", kOneLog},
    {"--enforce-eager,--eager-mode", "", "true,false", kNotCompiled},
    {"--optimization-level,-O", "N", "0,1,2,3", kNotCompiled},
    {"-O0,-O1,-O2,-O3", "", "true", kNotCompiled},
    {"--compilation-config,-cc", "JSON", "", kNotCompiled},
    {"--cudagraph-capture-sizes", "N ...", "", kNotCompiled},
    {"--max-cudagraph-capture-size", "N", "", kNotCompiled},
    {"--attention-backend", "NAME", "", "each device has its own kernels; `engine kernels` shows them"},
    {"--performance-mode", "MODE", "", "--prefill-share says whether prompts or tokens come first"},
    {"--async", "N", "1", "the next step is always made ready while one runs"},
    {"--async-scheduling", "", "true", "the next step is always made ready while one runs"},
    {"--n-gpu-layers,--gpu-layers,-ngl", "N", "", "all layers run on --device"},
    {"--swap-space", "GIB", "0,4", "a request that lost its blocks is computed again"},
    {"--flash-attn,-fa", "MODE", "on,auto", "attention is a single kernel"},
    {"--enable-reasoning", "", "true", "--reasoning-parser says how"},
    {"--reasoning-format", "NAME", "auto,deepseek", "--reasoning-parser says how; none leaves it in the answer"},
    {"--reasoning-budget", "N", "-1",
     "a request's thinking_token_budget bounds reasoning; --chat-template-kwargs '{\"enable_thinking\": false}' is for "
     "none"},
    {"--limit-mm-per-prompt", "LIMITS", "image=0,{\"image\":0},{\"image\": 0}", "models here read text alone"},
    {"--no-mmproj,--no-mmproj-auto", "", "true", "models here read text alone"},
    {"--response-role", "ROLE", "assistant", "no other role answers"},
    {"--chat-template-content-format", "FORMAT", "auto", "the chat template shows it"},
    {"--guided-decoding-backend,--structured-outputs-config.backend", "NAME", "",
     "llguidance holds answers to grammars"},
    {"--structured-outputs-config", "JSON", "", "llguidance holds answers to grammars, as their requests say"},
    {"--spec-method", "NAME", "ngram,draft_model",
     "--draft-model guesses; without one, guesses are looked up in the text"},
    {"--spec-draft-n-min,--draft-min,--draft-n-min,--spec-draft-p-min,--draft-p-min", "X", "",
     "how much is guessed follows from what guesses have brought"},
    {"--jinja", "", "true", "chat templates are always rendered"},
    {"--metrics", "", "true", "/metrics is always there"},
};

absl::Status Check(const NeutralFlag& flag, std::string value) {
  if (flag.value.empty()) {
    bool on = false;
    RETURN_IF_ERROR(ReadValue(value, on));
    value = on ? "true" : "false";
  }
  if (flag.neutral.empty()) return absl::OkStatus();
  const std::vector<std::string> taken = absl::StrSplit(std::string(flag.neutral), ',');
  if (std::ranges::find(taken, value) != taken.end()) return absl::OkStatus();
  return InvalidArgument("is '%s'; it can only be %s: %s", value, flag.neutral, flag.reason);
}

}  // namespace

void AddNeutralFlags(FlagSet& flags) {
  const auto forget = [] {};  // a flag of several values says what to do before new ones are read
  for (const NeutralFlag& flag : kFlags) {
    flags.AddReader(
        {flag.names, flag.value, flag.reason}, [&flag](const std::string& value) { return Check(flag, value); },
        forget);
  }
}

}  // namespace engine
