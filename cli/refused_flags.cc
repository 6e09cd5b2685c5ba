#include "cli/refused_flags.h"

#include "absl/strings/str_split.h"

namespace engine {
namespace {

struct RefusedFlag {
  std::string_view names;
  std::string_view value;  // empty: a switch, which may be off
  std::string_view instead;
};

constexpr std::string_view kNoAdapters =
    "adapters are not applied to running models; serve weights into which one was merged";
constexpr std::string_view kFetchFirst =
    "nothing is downloaded at the start; fetch the model with `engine pull ORG/NAME`, or a .gguf file with `hf "
    "download`, and serve its name or path";
constexpr std::string_view kOneProcess =
    "one process reads prompts and writes answers, and shares its cache with no other";
constexpr std::string_view kInCheckpoint = "the checkpoint's configuration says it; change it there, in a copy";
constexpr std::string_view kOnOneDevice =
    "all weights stay on --device, and --kv-cache-bytes says how large the cache is";
constexpr std::string_view kDrafts =
    "--draft-model MODEL guesses, and without one guesses are looked up in the text; --num-speculative-tokens N is "
    "the most at once, 0 for none";
constexpr std::string_view kInRequests =
    "each request says it; only temperature, top_p, top_k, min_p and repetition_penalty can be set for all, by "
    "--override-generation-config";
constexpr std::string_view kGrammarInRequests =
    "a request asks for it, by response_format or structured_outputs; `engine run` has such a flag";
constexpr std::string_view kNamedModels = "name each model, as in `engine serve NAME=PATH NAME=PATH`; all stay loaded";

constexpr RefusedFlag kFlags[] = {
    {"--tokenizer", "PATH", "the tokenizer is the one beside the weights; put its files there"},
    {"--revision,--code-revision,--tokenizer-revision", "NAME",
     "nothing is downloaded at the start; fetch it with `hf download ORG/NAME --revision NAME` and serve the folder"},
    {"-hf,-hfr,--hf-repo,-hff,--hf-file,-hft,--hf-token,-mu,--model-url,-dr,--docker-repo", "NAME", kFetchFirst},
    {"--hf-overrides", "JSON", kInCheckpoint},
    {"--rope-scaling,--rope-scale,--rope-freq-base,--rope-freq-scale,--yarn-orig-ctx", "X", kInCheckpoint},
    {"--models-dir,--models-preset,--models-max", "VALUE", kNamedModels},
    {"--models-autoload", "", kNamedModels},
    {"--mmproj,-mm,--mmproj-url,-mmu", "FILE", "models here read text alone"},
    {"--num-gpu-blocks-override", "N", "--kv-cache-bytes says how large the cache is"},
    {"--kv-offloading-size,--kv-offloading-backend", "VALUE", kOnOneDevice},
    {"--override-tensor,-ot,--n-cpu-moe,-ncmoe", "VALUE", kOnOneDevice},
    {"--cpu-moe,-cmoe", "", kOnOneDevice},
    {"--cache-type-k,-ctk,--cache-type-v,-ctv", "TYPE", "--kv-cache-dtype says it, for keys and values alike"},
    {"--slot-save-path", "FOLDER", "there are no slots; beginnings of prompts stay in the cache while it has room"},
    {"--enable-sleep-mode", "", "memory is given back when the server ends"},
    {"--kv-transfer-config", "JSON", kOneProcess},
    {"--enable-expert-parallel,-ep", "",
     "every device has a part of each layer, experts too; --tensor-parallel-size says how many"},
    {"--tensor-split,-ts", "SHARES", "devices have equal parts; --tensor-parallel-size says how many"},
    {"--rpc", "HOST:PORT", "the devices of one server are of one machine"},
    {"-dev", "NAME", "--device says it, as in cpu or cuda:0; `engine devices` lists them"},
    {"--list-devices", "", "`engine devices` lists them"},
    {"--enable-lora", "", kNoAdapters},
    {"--lora-modules,--adapters", "NAME=PATH ...", kNoAdapters},
    {"--max-loras,--max-lora-rank,--max-cpu-loras,--lora,--lora-scaled", "VALUE", kNoAdapters},
    {"--speculative-config,-sc,--speculative-algorithm,--spec-type", "VALUE", kDrafts},
    {"--max-concurrent-requests", "N", "--max-num-seqs run at once, and --max-queued-requests more may wait"},
    {"--embeddings,--embedding", "", "--pooling says how embeddings are made: mean or last"},
    {"--rerank,--reranking", "", "models here write answers, or make embeddings (--pooling)"},
    {"--ssl", "", "--ssl-certfile and --ssl-keyfile name the certificate and its key"},
    {"--ssl-ca-certs", "FILE", "certificates of clients are not asked for; --api-key says who may call"},
    {"--root-path", "PATH", "all paths begin at /; have the proxy take its prefix away"},
    {"--grpc", "", "answers come over HTTP only"},
    {"--proxy-url", "URL", "no proxy is told of a server; name it in the proxy's configuration"},
    {"--log-file", "FILE", "the log goes to stderr; 2>FILE writes it to a file"},
    {"--predict,--n-predict,-n", "N", "a request's max_tokens bounds its answer, which may else fill the context"},
    {"--temperature,--temp", "X", "--override-generation-config '{\"temperature\": X}' sets it"},
    {"--top-k", "N", "--override-generation-config '{\"top_k\": N}' sets it"},
    {"--top-p", "X", "--override-generation-config '{\"top_p\": X}' sets it"},
    {"--min-p", "X", "--override-generation-config '{\"min_p\": X}' sets it"},
    {"--repeat-penalty,--repetition-penalty", "X",
     "--override-generation-config '{\"repetition_penalty\": X}' sets it"},
    {"--repeat-last-n", "N", "a repetition penalty sees the prompt and all of the answer"},
    {"--presence-penalty,--frequency-penalty,--logit-bias,-l", "X", kInRequests},
    {"--ignore-eos", "", kInRequests},
    {"--dry-multiplier,--xtc-probability,--mirostat,--samplers,--sampler-seq", "VALUE",
     "answers are drawn by temperature, top_k, top_p, min_p and penalties only"},
    {"--grammar,--grammar-file,--json-schema,-j,--json-schema-file,-jf", "VALUE", kGrammarInRequests},
};

absl::Status Refuse(const RefusedFlag& flag, const std::string& value) {
  bool on = true;
  if (flag.value.empty()) RETURN_IF_ERROR(ReadValue(value, on));
  return on ? InvalidArgument("is not supported: %s", flag.instead) : absl::OkStatus();
}

}  // namespace

void AddRefusedFlags(FlagSet& flags) {
  for (const RefusedFlag& flag : kFlags) {
    // Each on its own, so that messages say the one that was typed.
    const std::vector<std::string> names = absl::StrSplit(std::string(flag.names), ',');
    for (const std::string& name : names) {
      flags.AddReader({.names = name, .value = flag.value, .help = flag.instead, .hidden = true},
                      [&flag](const std::string& value) { return Refuse(flag, value); });
    }
  }
}

}  // namespace engine
