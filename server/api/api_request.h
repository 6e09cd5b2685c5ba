// What an endpoint has been asked for, whatever its dialect.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "server/api/fields.h"

namespace engine {

// What an answer continues, with prompt or prompt_tokens alone.
struct Prompt {
  GenerationRequest generation;
  std::string path;  // of the field that has it
};

struct ApiRequest {
  static constexpr size_t kMaxAtOnce = std::numeric_limits<size_t>::max();

  std::string model;  // empty: the server's first
  std::string request_id;
  SentNames sent;                // of fields that have other names in what follows
  GenerationRequest generation;  // with messages; prompts take their place in /v1/completions
  std::vector<Prompt> prompts;
  int n = 1;                           // answers to each prompt
  int best_of = 0;                     // 0: as many as n
  int64_t truncate_prompt_tokens = 0;  // keep so many at the end; 0: all
  size_t max_at_once = kMaxAtOnce;     // answers that the engine has at a time

  bool stream = false;
  bool include_usage = false;  // a last chunk with the usage
  bool continuous_usage = false;

  bool echo = false;             // the prompt belongs to the answer's text
  bool no_answer = false;        // and is all of it
  bool prompt_logprobs = false;  // shown, apart from those of an echoed prompt
  bool logprobs = false;         // of the answer's tokens, shown
  bool return_token_ids = false;
  bool tokens_as_ids = false;  // logprobs name a token "token_id:17"
  std::optional<int> top_logprobs;
  bool include_reasoning = true;

  bool as_base64 = false;  // an embedding is the bytes of little-endian f32
  int dimensions = 0;      // so many first values of it; 0: all

  std::vector<std::string> tool_names;
  bool legacy_functions = false;  // tools were given as `functions`

  Json template_kwargs = Json::object();

  bool lenient = false;  // what is not supported becomes a warning
  std::vector<std::string> warnings;

  FieldPolicy policy() { return {lenient, &warnings, &sent}; }
  SamplingParams& sampling() { return generation.sampling; }
  const SamplingParams& sampling() const { return generation.sampling; }
};

using ApiField = Field<ApiRequest>;

// Readers for a table's rows: the value goes to a member as it is.
template <auto kMember>
absl::Status Set(const FieldValue& value, ApiRequest& request) {
  return Get(value, request.*kMember);
}
template <auto kMember>
absl::Status SetSampling(const FieldValue& value, ApiRequest& request) {
  return Get(value, request.sampling().*kMember);
}
template <auto kMember>
absl::Status SetGeneration(const FieldValue& value, ApiRequest& request) {
  return Get(value, request.generation.*kMember);
}

}  // namespace engine
