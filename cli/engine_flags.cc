#include "cli/engine_flags.h"

#include <limits>

#include "absl/strings/str_split.h"
#include "core/base/files.h"

namespace engine {
namespace {

constexpr std::string_view kNumericsHelp =
    "invariant (default), exact or fast: how close kernels keep to the reference";

absl::Status ReadLevel(std::string_view text, Numerics& level) {
  const std::optional<Numerics> parsed = ParseNumerics(text);
  if (!parsed) return InvalidArgument("is '%s'; it must be exact, invariant or fast", text);
  level = *parsed;
  return absl::OkStatus();
}

absl::Status ReadCacheType(const std::string& value, std::string& type) {
  if (value == "auto" || value == "f32" || value == "bf16" || value == "int8") return ReadValue(value, type);
  if (value == "bfloat16") return ReadValue("bf16", type);
  if (value == "int8_per_token_head") return ReadValue("int8", type);  // the same idea: a scale per token and head
  return InvalidArgument("is '%s'; it must be one of auto, f32, bf16, int8: what is smaller than bf16 is int8 here",
                         value);
}

absl::Status ReadModelLen(std::string_view text, int& length) {
  if (text == "auto" || text == "-1") {  // -1: vLLM's
    length = EngineOptions::kLongestThatFits;
    return absl::OkStatus();
  }
  const int64_t unit = text.ends_with('k') ? 1000 : text.ends_with('K') ? 1024 : 1;
  int64_t number = 0;
  const bool is_number = ReadValue(unit == 1 ? text : text.substr(0, text.size() - 1), number).ok();
  if (!is_number || number < 0 || number > std::numeric_limits<int>::max() / unit) {
    return InvalidArgument("is '%s'; it must be a number of tokens, or auto", text);
  }
  length = static_cast<int>(number * unit);
  return absl::OkStatus();
}

// A file's text, or, as with vLLM, the template itself on one line. Read once: a file may be a pipe.
absl::Status ReadChatTemplate(std::string& source) {
  const bool is_template = source.find("{{") != std::string::npos || source.find("{%") != std::string::npos;
  if (source.empty() || is_template) return absl::OkStatus();
  absl::StatusOr<std::string> text = ReadFile(source);
  if (!text.ok()) return InvalidArgument("chat_template is neither a file nor a template: %s", Message(text.status()));
  if (text->empty()) return InvalidArgument("chat_template is %s, which is empty", source);
  source = *std::move(text);
  return absl::OkStatus();
}

}  // namespace

void AddModelFlag(FlagSet& flags, std::string& model) {
  flags.AddPositional(
      {"--model,-m", "MODEL", "a .gguf file, a Hugging Face directory, a packed file, or a name that was pulled"},
      model);
}

void AddModelsFlag(FlagSet& flags, std::vector<std::string>& models) {
  flags.AddPositional({"--model,-m", "MODEL ...",
                       "a .gguf file, a Hugging Face directory, a packed file, or a name that was pulled; NAME=MODEL "
                       "for a name of its own. Several share the device"},
                      models);
}

void AddNumericsFlag(FlagSet& flags, Numerics& level) {
  flags.AddReader({"--numerics", "LEVEL", kNumericsHelp},
                  [&level](const std::string& value) { return ReadLevel(value, level); });
}

void AddNumericsFlag(FlagSet& flags, std::vector<Numerics>& levels) {
  const auto read = [&levels](const std::string& value) -> absl::Status {
    for (const std::string& text : std::vector<std::string>(absl::StrSplit(value, ','))) {
      RETURN_IF_ERROR(ReadLevel(text, levels.emplace_back()));
    }
    return absl::OkStatus();
  };
  flags.AddReader({"--numerics", "LEVEL,...", kNumericsHelp}, read, [&levels] { levels.clear(); });
}

void AddDeviceFlags(FlagSet& flags, EngineOptions& options) {
  flags.Add(
      {"--device", "NAME", "what to run on: cpu, cuda:N, rocm:N, simt or auto (default; `engine devices` lists them)"},
      options.device);
  AddTensorParallelFlag(flags, options.tensor_parallel_size);
  flags.Add({"--threads,-t", "N", "CPU threads; 0: as many as the process may run on"}, options.threads);
  AddNumericsFlag(flags, options.numerics);
}

void AddTensorParallelFlag(FlagSet& flags, int& size) {
  flags.Add({"--tensor-parallel-size,-tp,--tp", "N",
             "devices of one kind that compute each step together, from --device on; the answers do not change"},
            size);
}

void AddKvCacheFlag(FlagSet& flags, EngineOptions& options) {
  flags.AddReader({"--kv-cache-dtype", "TYPE", "auto (default), f32, bf16 or int8 (half of bf16's memory)"},
                  [&options](const std::string& value) { return ReadCacheType(value, options.kv_cache_dtype); });
}

void AddLimitFlags(FlagSet& flags, EngineOptions& options) {
  flags.AddReader({"--max-model-len,--session-len,--ctx-size,-c", "N",
                   "longest prompt and answer together, in tokens (32k is 32000, 32K 32768); 0: the model's limit, at "
                   "most 8192; auto: the longest for which there is memory"},
                  [&options](const std::string& value) { return ReadModelLen(value, options.max_model_len); });
  flags.AddReader({"--max-num-seqs,--max-batch-size,--parallel,-np", "N", "requests that run at once (16)"},
                  [&options, usual = options.max_num_seqs](const std::string& value) {
                    if (value != "-1") return ReadValue(value, options.max_num_seqs);
                    options.max_num_seqs = usual;  // llama.cpp's word for it
                    return absl::OkStatus();
                  });
  flags.Add({"--max-num-batched-tokens,--max-prefill-token-num", "N",
             "tokens of one step: longer prompts are read in chunks (512)"},
            options.max_num_batched_tokens);
  flags.Add(
      {"--prefill-share", "SHARE",
       "of a step's time, for reading prompts while other requests stream (0.4: their tokens come about 0.6 times as "
       "fast then); 1: as many tokens as fit"},
      options.prefill_share);
  AddKvCacheFlag(flags, options);
  flags.Add({"--kv-cache-bytes,--kv-cache-memory-bytes", "N",
             "memory of the KV cache; 0: room for every request, at most a quarter of memory"},
            options.kv_cache_bytes);
  flags.Add({"--memory-utilization,--gpu-memory-utilization,--cache-max-entry-count", "SHARE",
             "share of the device's memory that weights, steps and KV cache take together, up to 1; the cache takes "
             "what is left"},
            options.memory_utilization);
  flags.Add(
      {"--enable-prefix-caching,--cache-prompt", "", "keep what was computed of a prompt for the next one (default)"},
      options.enable_prefix_caching);
}

void AddChatFlags(FlagSet& flags, EngineOptions& options) {
  flags.Add({"--chat-template,--chat-template-file", "FILE",
             "a Jinja template of chats in place of the model's; a text with {{ or {% is the template"},
            options.chat_template);
  flags.Add({"--chat-template-kwargs,--default-chat-template-kwargs", "JSON",
             "variables of the chat template for chats that do not set them, as in {\"enable_thinking\": false}"},
            options.chat_template_kwargs);
}

void AddReasoningFlag(FlagSet& flags, EngineOptions& options) {
  flags.Add(
      {"--reasoning-parser", "NAME",
       "how the model marks its reasoning, as vLLM and LMDeploy name it (qwen3, deepseek-r1, ...); auto (default): "
       "as its chat template shows; none: all text is the answer"},
      options.reasoning_parser);
}

void AddSpeculationFlags(FlagSet& flags, EngineOptions& options) {
  flags.Add(
      {"--num-speculative-tokens,--spec-tokens,--speculative-num-draft-tokens,--spec-draft-n-max,--draft-max,--draft-n,"
       "--draft",
       "N", "most tokens that are guessed and verified in one step, where it pays (15); 0: none. The text is the same"},
      options.num_speculative_tokens);
  flags.Add({"--draft-model,--speculative-model,--spec-model,--speculative-draft-model,--model-draft,-md", "MODEL",
             "a small model of the same vocabulary that guesses; without one, guesses are looked up in the text"},
            options.draft_model);
}

absl::Status CompleteOptions(FlagSet& flags, EngineOptions& options) {
  absl::Status valid = ReadChatTemplate(options.chat_template);
  if (valid.ok()) valid = options.Validate();
  return valid.ok() ? valid : flags.UsageErrorOf(valid);
}

void AddOutputFlag(FlagSet& flags, std::string& output) {
  flags.AddChoice({"--output,-o", "FORMAT", "text (default) or json"}, {"text", "json"}, output);
}

void AddTableFlag(FlagSet& flags, std::string& output) {
  flags.AddChoice({"--output,-o", "FORMAT", "md (default), json or csv"}, {"md", "json", "csv"}, output);
}

}  // namespace engine
