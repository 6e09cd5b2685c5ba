// The public C++ API: load a model, submit requests, receive text as it is made.
//
//   engine::EngineOptions options{.model = "model.gguf"};
//   auto created = engine::Engine::Create(options);
//   auto answer = (*created)->Generate({.messages = {{"user", "Hello!"}}});
//   puts(answer->text.c_str());
//
// Thread-safe: any thread may submit, cancel and generate. Callbacks run on the engine's output thread.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/kernel/numerics.h"
#include "core/runtime/draft.h"
#include "core/runtime/sampling_params.h"
#include "engine/engine_stats.h"
#include "engine/memory_plan.h"
#include "text/output_grammar.h"

namespace engine {

void WarnOnStderr(const std::string& line);

struct EngineOptions {
  std::string model;             // a .gguf file, a Hugging Face directory, a file of `engine pack`, or a pulled name
  std::string device = "auto";   // cpu, cuda:N, rocm:N, simt, auto
  int tensor_parallel_size = 1;  // devices that compute each step together: `device` and those after it (docs/gpu.md)
  int threads = 0;               // 0: as many as the process may run on
  Numerics numerics = Numerics::kInvariant;
  static constexpr int kLongestThatFits = std::numeric_limits<int>::max();
  int max_model_len = 0;  // longest prompt and answer together; 0: the model's own limit, at most 8192
  int max_num_seqs = 16;
  int max_num_batched_tokens = 512;
  float prefill_share = 0.4;           // of a step's time, for prompts while others stream; 1: no limit
  double request_timeout_seconds = 0;  // of requests that set none; 0: none
  int max_queued_requests = 1 << 20;  // that wait for others to end; then only tenants with less than their share enter
  std::string kv_cache_dtype = "auto";  // auto, f32, bf16, int8
  int64_t kv_cache_bytes = 0;           // 0: room for max_num_seqs full contexts, at most a quarter of the memory
  float memory_utilization = 0;         // share of the device's memory for everything, the cache taking what is left
  bool enable_prefix_caching = true;
  int num_speculative_tokens = Draft::kMaxTokens;  // guessed and verified in one step at most, where it pays; 0: none
  std::string
      draft_model;  // a small model of the same vocabulary that guesses; empty: guesses are looked up in the text
  // Which text of an answer is reasoning, and which are tool calls, for requests with split_output: the name of a format,
  // "auto" for what the model's chat template shows, or "none".
  std::string reasoning_parser = "auto";
  std::string tool_call_parser = "auto";
  std::string chat_template;         // in place of the checkpoint's; empty: that one
  std::string chat_template_kwargs;  // a JSON object of its variables, for chats that do not set them
  // How requests are sampled that do not say: as the checkpoint recommends, and, over that, by a JSON object with
  // generation_config.json's names.
  bool use_generation_config = true;
  std::string override_generation_config;
  std::string pooling = "none";  // how token states become an embedding: last, mean; none: no embeddings are made
  std::function<void(int64_t done_bytes, int64_t total_bytes)> load_progress;
  std::function<void(const std::string& line)> warn = WarnOnStderr;  // what an operator should know; null: silence

  // All that can be said without a model and devices. An error begins with the name of what is wrong.
  absl::Status Validate() const;
};

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // the text of a JSON object, or what a call has of one that broke off
};

struct ChatMessage {
  std::string role;                     // system, user, assistant, tool, as the model's chat template knows them
  std::optional<std::string> content;   // none: null
  std::vector<std::string> parts = {};  // content in several texts; `content` is none then
  std::string name = {};
  std::string reasoning = {};  // what an assistant thought before it said `content`
  std::vector<ToolCall> tool_calls = {};
  std::string tool_call_id = {};  // of the call that a tool's message answers
};

// Whether an answer calls tools.
struct ToolChoice {
  enum class Kind { kAuto, kNone, kRequired, kNamed };
  Kind kind = Kind::kAuto;
  std::string name;      // of the function that kNamed calls
  bool parallel = true;  // more than one call in an answer; otherwise it ends where a second one begins
};

// What becomes of a request that comes while the queue is full.
enum class WhenFull {
  kRefuse,   // ResourceExhausted, and counted as rejected
  kDecline,  // ResourceExhausted, not counted: it comes again once another one has ended
  kTake,     // the queue has one more: it goes on with work that would be lost
};

// What to continue: exactly one of messages, prompt and prompt_tokens.
struct GenerationRequest {
  static constexpr size_t kMaxBadWords = 1024;

  // Rendered by the model's chat template. Their text, and that of tools, never becomes a control token.
  std::vector<ChatMessage> messages;
  std::string template_kwargs;          // with messages: a JSON object of more variables for the template
  bool add_generation_prompt = true;    // with messages: they are followed by the beginning of an answer
  bool continue_final_message = false;  // with messages: the last one is left open, and goes on

  std::string prompt;                 // text
  bool add_special_tokens = true;     // with a prompt: what the tokenizer puts around a text, usually a BOS token
  bool parse_special_tokens = false;  // with a prompt: control tokens' texts in it become those tokens

  std::vector<int32_t> prompt_tokens;  // ids as they are

  std::string tools;  // a JSON array of what an answer may call, each as the OpenAI API has it; messages show them
  ToolChoice tool_choice;
  bool split_output = false;  // reasoning and tool calls are told from the answer's text

  SamplingParams sampling;
  OutputGrammar grammar;                      // which answers are allowed
  std::vector<int32_t> allowed_token_ids;     // no others are drawn, an end neither; empty: all are
  std::vector<std::string> bad_words;         // not said, at the beginning of a word or after a blank
  std::optional<int> thinking_token_budget;   // reasoning ends after so many tokens
  int choice = 0;                             // which of several answers: each has its own random numbers for a seed
  bool skip_special_tokens = true;            // control tokens' texts are left out of the answer's text
  int priority = 0;                           // lower runs first, of what its tenant asks for
  std::string tenant;                         // who asks: tenants are served equally much
  std::optional<int> num_speculative_tokens;  // at most the engine's, which is the default; 0: none
  std::string cache_salt;                     // prefixes are shared only with requests of the same salt
  double timeout_seconds = 0;                 // it fails if it has not ended by then; 0: the engine's
  TimePoint began = {};                       // from when that counts; none: from when it is submitted
  bool embed = false;                         // the prompt's embedding is wanted (engine/embedding.h)
  WhenFull when_full = WhenFull::kRefuse;
};

enum class Finish { kNone, kStop, kLength, kCancelled, kError };
std::string_view Name(Finish finish);

struct TokenLogprobs {
  int32_t token = 0;
  float logprob = 0;
  std::vector<std::pair<int32_t, float>> top;  // likeliest first
};

// A piece of a tool call: the first one of a call has its name, and its id if the model wrote one.
struct ToolCallDelta {
  int index = 0;  // of the call in its answer
  ToolCall piece;
};

// A piece of an answer: what became known since the last one.
struct GenerationUpdate {
  std::string text;                       // whole code points
  std::string reasoning;                  // with split_output: what is not `text`
  std::vector<ToolCallDelta> tool_calls;  // likewise
  std::vector<int32_t> tokens;
  std::vector<TokenLogprobs> logprobs;         // one per token, when asked for
  std::vector<TokenLogprobs> prompt_logprobs;  // of the prompt's tokens after the first, when asked for, in order
  std::vector<float> embedding;                // of the prompt, when asked for, with the first token; of any length
  int64_t prompt_tokens = 0;                   // of the request
  int64_t cached_tokens = 0;                   // of those, found in the prefix cache; set where tokens are
  int64_t reasoning_tokens = 0;                // so far
  int64_t drafted_tokens = 0;                  // guessed and verified so far; set where tokens are
  int64_t accepted_tokens = 0;                 // of those, right: tokens that needed no step of their own
  TimePoint admitted;                          // when the request left the queue; set where tokens are
  TimePoint made;                              // when the step that made the tokens ended; set where tokens are
  Finish finish = Finish::kNone;               // set in the last update
  std::string stop_string;                     // the one that ended the answer; none: empty
  absl::Status error;                          // why, when finish is kError
};

struct Generation {
  std::string text;
  std::string reasoning;
  std::vector<ToolCall> tool_calls;
  std::vector<int32_t> tokens;
  std::vector<TokenLogprobs> logprobs;
  std::vector<TokenLogprobs> prompt_logprobs;
  std::vector<float> embedding;
  Finish finish = Finish::kNone;
  std::string stop_string;
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  // of those, found in the prefix cache
  int64_t reasoning_tokens = 0;
  int64_t drafted_tokens = 0;   // guessed and verified
  int64_t accepted_tokens = 0;  // of those, right
};

// Adds an update to those before it.
void Append(const GenerationUpdate& update, Generation& generation);

// A prompt as the model reads it, and the text that these tokens spell.
struct RenderedPrompt {
  std::string text;
  std::vector<int32_t> tokens;
};

using RequestId = int64_t;
using UpdateCallback = std::function<void(const GenerationUpdate&)>;

struct ModelInfo {
  std::string path;
  std::string architecture;
  std::string weight_format;  // "q4_1" or "bf16": of most weight bytes
  int64_t weight_bytes = 0;   // resident, packed or mapped; of several devices each has as many, and as large a cache
  int64_t kv_cache_bytes = 0;
  MemoryPlan memory;  // what was planned for it and for what drafts for it, these two included
  int max_model_len = 0;
  int vocab_size = 0;
  std::string chat_template;         // its source; empty: the model has none
  std::string chat_template_kwargs;  // as EngineOptions have them, those that it reads
  std::string pooling = "none";      // as EngineOptions has it
  int embedding_size = 0;            // values of an embedding; 0: none are made
  bool tells_reasoning = false;      // it is known how the model marks its reasoning
  SamplingParams default_sampling;   // as EngineOptions say; requests have what they say
};

class Engine {
 public:
  static absl::StatusOr<std::unique_ptr<Engine>> Create(const EngineOptions& options);
  // Several models on one device, which all must name alike, and within its memory: each gets what those before it
  // leave. Planned before the first weight is read; an error names its model. Their steps take turns.
  static absl::StatusOr<std::vector<std::unique_ptr<Engine>>> CreateTogether(std::span<const EngineOptions> options);
  virtual ~Engine() = default;  // cancels what runs, and waits for it; not from a callback

  // Queues a request. `on_update` is called until an update has finish set. Refused at once: no callback, an invalid
  // field, a prompt longer than the context, a prompt that can never fit in the cache, anything while the queue is full
  // (ResourceExhausted; see WhenFull), and once the engine is being destroyed.
  virtual absl::StatusOr<RequestId> Submit(const GenerationRequest& request, UpdateCallback on_update) = 0;

  // Ends a request within one step; its last update has finish kCancelled. Unknown ids have already finished.
  virtual void Cancel(RequestId id) = 0;

  // Called on the output thread each time it has handed over all updates that there were: what somebody has gathered of
  // them may go out together. There is one; a further one, or an empty one for none, takes its place.
  virtual void SetAfterUpdates(std::function<void()> after_updates) = 0;

  // Submit, and wait for the end. An error the request ends with is returned. Not from a callback, which would wait for
  // itself.
  absl::StatusOr<Generation> Generate(const GenerationRequest& request);

  virtual const ModelInfo& model() const = 0;
  virtual EngineStats stats() const = 0;
  // The request's prompt. Of prompt_tokens only the tokens are set.
  virtual absl::StatusOr<RenderedPrompt> Render(const GenerationRequest& request) const = 0;
  // The text of tokens, control tokens included.
  virtual absl::StatusOr<std::string> Detokenize(std::span<const int32_t> tokens) const = 0;
  // The bytes that a token stands for, which may be part of a code point.
  virtual std::string TokenBytes(int32_t token) const = 0;
};

}  // namespace engine
