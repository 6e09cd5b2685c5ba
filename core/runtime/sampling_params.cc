#include "core/runtime/sampling_params.h"

#include <cmath>

#include "core/base/field_error.h"

namespace engine {
namespace {

// NaN fails every comparison, hence the negations.
absl::Status CheckRange(const char* field, float value, float low, float high) {
  if (!(value >= low && value <= high)) {
    return FieldError(field, absl::StrFormat("is %g; it must lie in [%g, %g]", value, low, high));
  }
  return absl::OkStatus();
}

absl::Status CheckRange(const char* field, int value, int low, int high) {
  if (value < low || value > high) {
    return FieldError(field, absl::StrFormat("is %d; it must lie in [%d, %d]", value, low, high));
  }
  return absl::OkStatus();
}

absl::Status CheckToken(const char* field, int32_t token, int vocab_size) {
  if (token < 0 || token >= vocab_size) {
    return FieldError(field, absl::StrFormat("has token %d; the model's tokens are 0 to %d", token, vocab_size - 1));
  }
  return absl::OkStatus();
}

absl::Status ValidateDistribution(const SamplingParams& params) {
  if (!(params.temperature >= 0 && std::isfinite(params.temperature))) {
    return FieldError("temperature", absl::StrFormat("is %g; it must be finite and at least 0", params.temperature));
  }
  if (params.top_k < 0) {
    return FieldError("top_k", absl::StrFormat("is %d; it must be at least 1, or 0 for all tokens", params.top_k));
  }
  if (!(params.top_p > 0 && params.top_p <= 1)) {
    return FieldError("top_p", absl::StrFormat("is %g; it must lie in (0, 1]", params.top_p));
  }
  RETURN_IF_ERROR(CheckRange("min_p", params.min_p, 0.0f, 1.0f));
  // Logits are divided by it and multiplied: they stay finite up to 1e-3 of the largest float, 3e35. Far within the range
  // what was said before is certain to come again, or never to.
  RETURN_IF_ERROR(CheckRange("repetition_penalty", params.repetition_penalty, 0.001f, 1000.0f));
  RETURN_IF_ERROR(CheckRange("presence_penalty", params.presence_penalty, -2.0f, 2.0f));
  return CheckRange("frequency_penalty", params.frequency_penalty, -2.0f, 2.0f);
}

absl::Status ValidateEnd(const SamplingParams& params, int vocab_size) {
  for (const std::string& stop : params.stop) {
    if (stop.empty()) return FieldError("stop", "has an empty string, which would end every answer at once");
  }
  for (const int32_t token : params.stop_token_ids) RETURN_IF_ERROR(CheckToken("stop_token_ids", token, vocab_size));
  if (params.max_tokens < 1) {
    return FieldError("max_tokens", absl::StrFormat("is %d; it must be at least 1", params.max_tokens));
  }
  return CheckRange("min_tokens", params.min_tokens, 0, params.max_tokens);
}

}  // namespace

absl::Status SamplingParams::Validate(int vocab_size) const {
  RETURN_IF_ERROR(ValidateDistribution(*this));
  for (const auto& [token, bias] : logit_bias) {
    RETURN_IF_ERROR(CheckToken("logit_bias", token, vocab_size));
    RETURN_IF_ERROR(CheckRange("logit_bias", bias, -100.0f, 100.0f));
  }
  RETURN_IF_ERROR(ValidateEnd(*this, vocab_size));
  if (const size_t biases = logit_bias.size() + stop_token_ids.size(); biases > kMaxBiases) {
    return FieldError("logit_bias", absl::StrFormat("and stop_token_ids have %d tokens; they may have %d together",
                                                    biases, kMaxBiases));
  }
  RETURN_IF_ERROR(CheckRange("logprobs", logprobs, kNoLogprobs, kMaxLogprobs));
  return prompt_logprobs ? CheckRange("prompt_logprobs", *prompt_logprobs, 0, kMaxLogprobs) : absl::OkStatus();
}

}  // namespace engine
