#include "server/api/common_fields.h"

#include <algorithm>
#include <charconv>

#include "server/api/output_control.h"
#include "server/http/ascii.h"

namespace engine {
namespace {

constexpr size_t kMaxPromptTokens = size_t{1} << 22;
constexpr size_t kMaxAllowedTokens = size_t{1} << 20;  // more than any vocabulary has
// Of texts that every answer to a request keeps for itself.
constexpr size_t kMaxStopBytes = 1024;
constexpr size_t kMaxSaltBytes = 1024;

absl::Status CheckBytes(const FieldValue& value, std::string_view text, size_t most) {
  if (text.size() <= most) return absl::OkStatus();
  return FieldError(value.path, absl::StrFormat("has %d bytes; it may have %d", text.size(), most));
}

// As in headers and logs.
absl::Status ReadRequestId(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(Get(value, request.request_id));
  if (!IsPrintable(request.request_id)) {
    return FieldError(value.path, "may have printable ASCII characters only, and no blanks");
  }
  return CheckBytes(value, request.request_id, kMaxIdBytes);
}

absl::Status ReadCacheSalt(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(Get(value, request.generation.cache_salt));
  return CheckBytes(value, request.generation.cache_salt, kMaxSaltBytes);
}

absl::Status ReadTopK(const FieldValue& value, ApiRequest& request) {
  int& top_k = request.sampling().top_k;
  RETURN_IF_ERROR(Get(value, top_k));
  if (top_k == -1) top_k = 0;  // both mean all
  return absl::OkStatus();
}

absl::Status ReadSeed(const FieldValue& value, ApiRequest& request) {
  int64_t seed = 0;
  RETURN_IF_ERROR(Get(value, seed));
  if (seed != -1) request.sampling().seed = static_cast<uint64_t>(seed);  // -1: llama.cpp's "any"
  return absl::OkStatus();
}

absl::Status ReadN(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(Get(value, request.n));
  if (request.n >= 1 && request.n <= kMaxChoices) return absl::OkStatus();
  return FieldError(value.path, absl::StrFormat("is %d; it must lie in [1, %d]", request.n, kMaxChoices));
}

absl::Status ReadLogitBias(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(MustBeObject(value));
  RETURN_IF_ERROR(CheckSize(value, SamplingParams::kMaxBiases));
  for (const auto& [key, bias] : value.json.items()) {
    auto& [token, amount] = request.sampling().logit_bias.emplace_back();
    const char* end = key.data() + key.size();
    if (const auto [last, error] = std::from_chars(key.data(), end, token); error != std::errc() || last != end) {
      return FieldError(value.path, "has the key \"" + key + "\"; keys must be token ids");
    }
    RETURN_IF_ERROR(Get(value.At(key), amount));
  }
  return absl::OkStatus();
}

// 0, with echo, asks for the prompt alone.
absl::Status ReadMaxTokensOrNone(const FieldValue& value, ApiRequest& request) {
  if (value.json != 0) return ReadMaxTokens(value, request);
  request.sampling().max_tokens = 0;  // which the engine refuses
  return absl::OkStatus();
}

absl::Status ReadPredict(const FieldValue& value, ApiRequest& request) {
  if (value.json != -1) return ReadMaxTokens(value, request);
  request.sampling().max_tokens = SamplingParams::kUntilContextIsFull;
  return absl::OkStatus();
}

absl::Status ReadStopTokens(const FieldValue& value, ApiRequest& request) {
  return GetList(value, SamplingParams::kMaxBiases, request.sampling().stop_token_ids);
}

absl::Status ReadAllowedTokens(const FieldValue& value, ApiRequest& request) {
  std::vector<int32_t>& allowed = request.generation.allowed_token_ids;
  RETURN_IF_ERROR(GetList(value, kMaxAllowedTokens, allowed));
  return allowed.empty() ? FieldError(value.path, "is empty; it needs a token to draw") : absl::OkStatus();
}

absl::Status ReadBadWords(const FieldValue& value, ApiRequest& request) {
  return GetList(value, GenerationRequest::kMaxBadWords, request.generation.bad_words);
}

absl::Status ReadPromptLogprobs(const FieldValue& value, ApiRequest& request) {
  request.prompt_logprobs = true;
  return Get(value, request.sampling().prompt_logprobs);
}

absl::Status ReadStreamOptions(const FieldValue& value, ApiRequest& request) {
  static constexpr ApiField kFields[] = {
      {"include_usage", "boolean", Set<&ApiRequest::include_usage>, "a last chunk holds the usage"},
      {"continuous_usage_stats", "boolean", Set<&ApiRequest::continuous_usage>, "every chunk holds the usage so far"},
      {"include_obfuscation", "boolean", nullptr, "chunks are not padded", "false"},
  };
  return ReadFields<ApiRequest>(value, {kFields}, request.policy(), request);
}

absl::Status ReadTruncate(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(Get(value, request.truncate_prompt_tokens));
  if (request.truncate_prompt_tokens >= 1) return absl::OkStatus();
  return FieldError(value.path, "must be at least 1");
}

constexpr char kNoSampler[] = "this sampler does not exist here";
constexpr char kNoAdapters[] = "the server has no adapters";

constexpr ApiField kFields[] = {
    {"model", "string", Set<&ApiRequest::model>, "one of /v1/models; without it the first"},
    {"request_id", "string", ReadRequestId, "part of the answer's id"},

    // How many tokens, and which.
    {"max_tokens", "integer", ReadMaxTokensOrNone, "tokens of an answer at most"},
    {"n_predict", "integer", ReadPredict, "llama.cpp's max_tokens; -1: until the context is full"},
    {"min_tokens", "integer", SetSampling<&SamplingParams::min_tokens>, "nothing ends an answer before"},
    {"min_new_tokens", "integer", SetSampling<&SamplingParams::min_tokens>, "LMDeploy's min_tokens"},
    {"temperature", "number", SetSampling<&SamplingParams::temperature>, "0: always the likeliest token"},
    {"top_k", "integer", ReadTopK, "sample among so many; 0 or -1: all"},
    {"top_p", "number", SetSampling<&SamplingParams::top_p>, "sample among the likeliest of this share"},
    {"min_p", "number", SetSampling<&SamplingParams::min_p>, "sample above this share of the likeliest"},
    {"repetition_penalty", "number", SetSampling<&SamplingParams::repetition_penalty>, "above 1: fewer repetitions"},
    {"repeat_penalty", "number", SetSampling<&SamplingParams::repetition_penalty>, "llama.cpp's repetition_penalty"},
    {"presence_penalty", "number", SetSampling<&SamplingParams::presence_penalty>, "for every token used before"},
    {"frequency_penalty", "number", SetSampling<&SamplingParams::frequency_penalty>, "for every use of a token"},
    {"logit_bias", "object", ReadLogitBias, "token id to what is added to its logit"},
    {"allowed_token_ids", "array", ReadAllowedTokens, "no other tokens are drawn, the model's own end neither"},
    {"bad_words", "array", ReadBadWords, "texts that no answer has, as the tokens that usually spell them"},
    {"seed", "integer", ReadSeed, "the same seed gives the same answer"},
    {"n", "integer", ReadN, "answers to a prompt"},

    // Where answers end.
    {"stop", "string|array", ReadStop, "texts that end an answer"},
    {"stop_token_ids", "array", ReadStopTokens, "tokens that end an answer"},
    {"include_stop_str_in_output", "boolean", SetSampling<&SamplingParams::include_stop_in_output>,
     "what ended an answer belongs to it"},
    {"ignore_eos", "boolean", SetSampling<&SamplingParams::ignore_eos>,
     "the model's own end is a token like any other"},
    {"skip_special_tokens", "boolean", SetGeneration<&GenerationRequest::skip_special_tokens>,
     "control tokens are not part of the text"},

    // What the answer must look like.
    {"thinking_token_budget", "integer", SetGeneration<&GenerationRequest::thinking_token_budget>,
     "reasoning ends after so many tokens"},
    {"response_format", "object", ReadResponseFormat, "text, json_object, json_schema, regex_schema"},
    {"structured_outputs", "object", ReadStructuredOutputs, "json, regex, choice, grammar or json_object"},
    {"guided_json", "", ReadGrammar, "structured_outputs.json"},
    {"guided_regex", "string", ReadGrammar, "structured_outputs.regex"},
    {"guided_choice", "array", ReadGrammar, "structured_outputs.choice"},
    {"guided_grammar", "string", ReadGrammar, "structured_outputs.grammar"},
    {"guided_json_object", "boolean", ReadGrammar, "structured_outputs.json_object"},
    {"guided_whitespace_pattern", "string", nullptr, "JSON has the blanks that its schema's compiler allows"},
    {"guided_decoding_backend", "string", nullptr, "", "*"},
    {"json_schema", "", ReadGrammar, "llama.cpp's name of structured_outputs.json"},
    {"grammar", "string", ReadGrammar, "llama.cpp's name of structured_outputs.grammar"},
    {"regex", "string", ReadGrammar, "SGLang's name of structured_outputs.regex"},
    {"ebnf", "string", ReadGrammar, "SGLang's name of structured_outputs.grammar"},

    // How to answer.
    {"stream", "boolean", Set<&ApiRequest::stream>, "server-sent events, as the answer is made"},
    {"stream_options", "object", ReadStreamOptions, "include_usage, continuous_usage_stats"},
    {"prompt_logprobs", "integer", ReadPromptLogprobs, "of the prompt's tokens"},
    {"return_token_ids", "boolean", Set<&ApiRequest::return_token_ids>, "ids of prompt and answer"},
    {"return_tokens_as_token_ids", "boolean", Set<&ApiRequest::tokens_as_ids>, "log-probs name tokens \"token_id:17\""},
    {"truncate_prompt_tokens", "integer", ReadTruncate, "keep so many tokens at the prompt's end"},

    // Scheduling.
    {"priority", "integer", SetGeneration<&GenerationRequest::priority>, "lower runs first"},
    {"cache_salt", "string", ReadCacheSalt, "share prefixes only with the same salt"},
    {"num_speculative_tokens", "integer", SetGeneration<&GenerationRequest::num_speculative_tokens>,
     "guessed in one step at most; 0: none"},

    // Accepted, as no answer depends on them.
    {"user", "string", nullptr, "", "*"},
    {"safety_identifier", "string", nullptr, "", "*"},
    {"metadata", "object", nullptr, "", "*"},
    {"prompt_cache_key", "string", nullptr, "", "*"},
    {"prompt_cache_retention", "string", nullptr, "", "*"},
    {"prompt_cache_options", "object", nullptr, "", "*"},
    {"cache_prompt", "boolean", nullptr, "prefixes are always cached", "true"},
    {"id_slot", "integer", nullptr, "there are no slots", "-1"},
    {"session_id", "integer", nullptr, "there are no sessions; send the whole conversation", "-1"},
    {"store", "boolean", nullptr, "answers are not stored", "false"},
    {"service_tier", "string", nullptr, "", "*"},
    {"use_beam_search", "boolean", nullptr, "answers are sampled; ask for several with n", "false"},
    {"length_penalty", "number", nullptr, "it belongs to beam search", "1.0"},
    {"early_stopping", "boolean|string", nullptr, "it belongs to beam search", "false"},
    {"spaces_between_special_tokens", "boolean", nullptr, "tokens are decoded as the tokenizer says", "true"},
    {"do_preprocess", "boolean", nullptr, "messages are always rendered by the chat template", "true"},
    {"timings_per_token", "boolean", nullptr, "timings come with the last chunk", "false"},
    {"return_progress", "boolean", nullptr, "progress of a prompt is not reported", "false"},

    // Refused.
    {"logprob_token_ids", "array", nullptr, "ask for top log-probs"},
    {"repetition_detection", "object", nullptr, "use repetition_penalty or stop"},
    {"repetition_ngram_size", "integer", nullptr, "use repetition_penalty or stop", "0"},
    {"repetition_ngram_threshold", "integer", nullptr, "use repetition_penalty or stop", "0"},
    {"stream_interval", "integer", nullptr, "every token is sent", "1"},
    {"kv_transfer_params", "object", nullptr, "caches are not transferred"},
    {"vllm_xargs", "object", nullptr, "there are no plugins"},
    {"t_max_predict_ms", "integer", nullptr, "use max_tokens"},
    {"mirostat", "integer", nullptr, kNoSampler, "0"},
    {"mirostat_tau", "number", nullptr, kNoSampler},
    {"mirostat_eta", "number", nullptr, kNoSampler},
    {"dry_multiplier", "number", nullptr, kNoSampler, "0.0"},
    {"dry_base", "number", nullptr, kNoSampler},
    {"dry_allowed_length", "integer", nullptr, kNoSampler},
    {"dry_penalty_last_n", "integer", nullptr, kNoSampler},
    {"dry_sequence_breakers", "array", nullptr, kNoSampler},
    {"xtc_probability", "number", nullptr, kNoSampler, "0.0"},
    {"xtc_threshold", "number", nullptr, kNoSampler},
    {"repeat_last_n", "integer", nullptr, "penalties look at all tokens", "-1"},
    {"n_keep", "integer", nullptr, "a prompt is kept whole or refused", "0"},
    {"return_prompt_text", "boolean", nullptr, "/v1/chat/completions/render shows a prompt", "false"},
    {"return_logprob", "boolean", nullptr, "use logprobs", "false"},
    {"typical_p", "number", nullptr, kNoSampler, "1.0"},
    {"samplers", "array|string", nullptr, "their order is fixed"},
    {"n_probs", "integer", nullptr, "use logprobs", "0"},
    {"lora", "array", nullptr, kNoAdapters, "[]"},
    {"lora_path", "string", nullptr, kNoAdapters},
};

// Names of one thing.
constexpr std::string_view kSynonyms[][3] = {{"max_tokens", "n_predict", "max_completion_tokens"},
                                             {"min_tokens", "min_new_tokens", ""},
                                             {"repetition_penalty", "repeat_penalty", ""}};

absl::Status CheckSynonyms(const Json& body, SentNames& sent) {
  for (const auto& names : kSynonyms) {
    const std::string_view* first = nullptr;
    for (const std::string_view& name : names) {
      const Json value = body.value(std::string(name), Json());
      if (value.is_null()) continue;
      if (first == nullptr) sent.Add(std::string(names[0]), *(first = &name));
      if (value == body[std::string(*first)]) continue;
      return FieldError(name, absl::StrFormat("and %s say the same and differ; give one of them", *first));
    }
  }
  return absl::OkStatus();
}

absl::Status AddPrompt(const FieldValue& value, ApiRequest& request) {
  GenerationRequest& prompt = request.prompts.emplace_back(Prompt{.path = value.path}).generation;
  RETURN_IF_ERROR(value.json.is_array() ? GetList(value, kMaxPromptTokens, prompt.prompt_tokens)
                                        : Get(value, prompt.prompt));
  if (prompt.prompt.empty() && prompt.prompt_tokens.empty()) return FieldError(value.path, "is empty");
  return absl::OkStatus();
}

}  // namespace

std::span<const ApiField> CommonFields() { return kFields; }

absl::Status ReadPrompts(const FieldValue& value, size_t most, ApiRequest& request) {
  const bool is_list = value.json.is_array() && !value.json.empty() && !value.json[0].is_number();
  if (!is_list) return AddPrompt(value, request);
  RETURN_IF_ERROR(MustBeArray(value, most));
  for (size_t i = 0; i < value.json.size(); ++i) RETURN_IF_ERROR(AddPrompt(value.At(i), request));
  return absl::OkStatus();
}

absl::Status ReadMaxTokens(const FieldValue& value, ApiRequest& request) {
  int& max_tokens = request.sampling().max_tokens;
  RETURN_IF_ERROR(Get(value, max_tokens));
  if (max_tokens >= 1) return absl::OkStatus();
  return FieldError(value.path, absl::StrFormat("is %d; it must be at least 1", max_tokens));
}

absl::Status ReadStop(const FieldValue& value, ApiRequest& request) {
  std::vector<std::string>& stop = request.sampling().stop;
  RETURN_IF_ERROR(value.json.is_string() ? Get(value, stop.emplace_back()) : GetList(value, kMaxStops, stop));
  for (const std::string& text : stop) {
    if (text.empty()) return FieldError(value.path, "has an empty string, which would end every answer at once");
    RETURN_IF_ERROR(CheckBytes(value, text, kMaxStopBytes));
  }
  return absl::OkStatus();
}

absl::Status GetLogprobs(const FieldValue& value, int& logprobs) {
  RETURN_IF_ERROR(Get(value, logprobs));
  if (logprobs >= 0) return absl::OkStatus();
  return FieldError(value.path, absl::StrFormat("is %d; it must be at least 0", logprobs));
}

absl::Status CheckCommon(const Json& body, ApiRequest& request) {
  RETURN_IF_ERROR(CheckSynonyms(body, request.sent));
  if (request.best_of != 0 && request.best_of != request.n) {
    return FieldError("best_of", absl::StrFormat("is %d; all %d answers (n) are returned, so it must be as many",
                                                 request.best_of, request.n));
  }
  if ((request.include_usage || request.continuous_usage) && !request.stream) {
    return FieldError("stream_options", "belongs to stream: true");
  }
  return absl::OkStatus();
}

}  // namespace engine
