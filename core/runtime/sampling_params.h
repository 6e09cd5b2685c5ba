// How the tokens of one request are chosen and when they end. Defaults sample from the model's own distribution.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"

namespace engine {

struct SamplingParams {
  static constexpr int kUntilContextIsFull = std::numeric_limits<int>::max();
  static constexpr int kNoLogprobs = -1;
  static constexpr int kMaxLogprobs = 20;  // what the OpenAI API allows; logprob buffers are planned for it
  static constexpr int kMaxBiases = 4096;  // tokens in logit_bias and stop_token_ids together; steps have room for them

  float temperature = 1.0f;  // 0: the most likely token
  int top_k = 0;             // 0: all
  float top_p = 1.0f;
  float min_p = 0.0f;
  float repetition_penalty = 1.0f;  // divides positive and multiplies negative logits of prompt and output tokens
  float presence_penalty = 0.0f;    // subtracted once per distinct output token
  float frequency_penalty = 0.0f;   // subtracted per occurrence in the output
  std::vector<std::pair<int32_t, float>> logit_bias;  // token id, added to its logit
  std::optional<uint64_t> seed;

  std::vector<std::string> stop;  // looked for in the text, above the scheduler
  std::vector<int32_t> stop_token_ids;
  bool include_stop_in_output = false;
  bool ignore_eos = false;
  int max_tokens = kUntilContextIsFull;
  int min_tokens = 0;  // no stop token is sampled before, and no stop string looked for

  int logprobs = kNoLogprobs;          // -1: none; 0: of the sampled token; n: of the n most likely as well
  std::optional<int> prompt_logprobs;  // the same for the tokens of the prompt, after the first

  // Whether a logit depends on the tokens before it, which the host must know to fill a row.
  bool has_penalties() const {
    return repetition_penalty != 1.0f || presence_penalty != 0.0f || frequency_penalty != 0.0f;
  }

  // Names the first field out of its limits.
  absl::Status Validate(int vocab_size) const;
};

}  // namespace engine
