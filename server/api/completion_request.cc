#include "server/api/completion_request.h"

#include "server/api/common_fields.h"

namespace engine {
namespace {

constexpr size_t kMaxPrompts = 1024;

// What the OpenAI API answers when it is not told.
constexpr int kDefaultMaxTokens = 16;

absl::Status ReadPrompt(const FieldValue& value, ApiRequest& request) {
  return ReadPrompts(value, kMaxPrompts, request);
}

absl::Status ReadLogprobs(const FieldValue& value, ApiRequest& request) {
  request.logprobs = true;
  return GetLogprobs(value, request.sampling().logprobs);
}

constexpr ApiField kFields[] = {
    {"prompt", "string|array", ReadPrompt, "text, token ids, or a list of either"},
    {"echo", "boolean", Set<&ApiRequest::echo>, "the prompt is part of the text"},
    {"logprobs", "integer", ReadLogprobs, "of the answer's tokens, and of so many likeliest ones"},
    {"best_of", "integer", Set<&ApiRequest::best_of>, "as many as n"},
    {"add_special_tokens", "boolean", SetGeneration<&GenerationRequest::add_special_tokens>,
     "the prompt begins as the tokenizer says, usually with a BOS token"},
    {"suffix", "string", nullptr, "the model continues a prompt and fills no gap", "\"\""},
    {"prompt_embeds", "string", nullptr, "give the prompt as text or token ids"},
};

// An echoed prompt has the log-probs that the answer has.
absl::Status ScoreEchoedPrompt(SamplingParams& sampling) {
  const int wanted = sampling.prompt_logprobs.value_or(sampling.logprobs);
  if (wanted != sampling.logprobs) {
    return FieldError("prompt_logprobs", absl::StrFormat("is %d, and logprobs of the prompt that echo shows is %d; "
                                                         "give one number",
                                                         wanted, sampling.logprobs));
  }
  sampling.prompt_logprobs = wanted;
  return absl::OkStatus();
}

}  // namespace

std::span<const ApiField> CompletionFields() { return kFields; }

absl::Status ReadCompletionRequest(const Json& body, ApiRequest& request) {
  request.sampling().max_tokens = kDefaultMaxTokens;
  RETURN_IF_ERROR(ReadFields<ApiRequest>({"", body}, {CommonFields(), kFields}, request.policy(), request));
  RETURN_IF_ERROR(CheckCommon(body, request));
  if (request.prompts.empty()) return FieldError("prompt", "is missing");
  if (request.sampling().max_tokens == 0 && request.echo) {  // only what the model thinks of the prompt is wanted
    request.no_answer = true;
    request.sampling().max_tokens = 1;
  }
  if (request.echo && request.logprobs) RETURN_IF_ERROR(ScoreEchoedPrompt(request.sampling()));
  for (Prompt& source : request.prompts) {
    GenerationRequest& prompt = source.generation;
    prompt.add_special_tokens = request.generation.add_special_tokens;
    // This endpoint is for prompts that a program has put together, control tokens included.
    prompt.parse_special_tokens = true;
  }
  return absl::OkStatus();
}

}  // namespace engine
