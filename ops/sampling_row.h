// What the host asks of a sampled row and what it gets back, and the steps of sample (ops/sample.h) on single numbers, which
// the reference and every device share.
#pragma once

#include <cstdint>

#include "core/base/math.h"
#include "ops/philox.h"

namespace engine {

inline constexpr int kMaxTopLogprobs = 20;
inline constexpr float kSampleWeightOne = 0x1p40f;

// Words of a row's mask: bit i % 32 of word i / 32 allows token i.
constexpr int64_t TokenMaskWords(int64_t vocab) { return (vocab + 31) / 32; }

// One sampled row, filled by the host.
struct SamplingRow {
  float temperature = 1.0f;
  float top_p = 1.0f;
  float min_p = 0.0f;  // 0 to 1, as top_p
  float repetition_penalty = 1.0f;
  float presence_penalty = 0.0f;
  float frequency_penalty = 0.0f;
  int32_t top_k = 0;
  int32_t num_logprobs = -1;  // -1: none; 0: of the sampled token; up to kMaxTopLogprobs: of the likeliest as well
  uint64_t seed = 0;
  int32_t choice = 0;
  int32_t position = 0;           // of the token being sampled
  int32_t adjustments_begin = 0;  // range in the step's adjustments; a token appears at most once in it
  int32_t adjustments_end = 0;
  uint64_t masked = 0;  // 1: only tokens of its mask are drawn
};
static_assert(sizeof(SamplingRow) == 64);

// What makes a token's logit differ from the model's. A step has room for a fixed number, shared by its rows.
struct TokenAdjustment {
  int32_t token = 0;
  float bias = 0.0f;
  int32_t output_count = 0;  // times the token was generated
  int32_t in_context = 0;    // 1: it occurs in the prompt or the output
};
static_assert(sizeof(TokenAdjustment) == 16);

struct TokenLogprob {
  int32_t id = 0;
  float logprob = 0.0f;
};

struct SampledToken {
  int32_t id = -1;                    // -1: the logits were not finite, or every token was forbidden
  float logprob = 0.0f;               // of id; 0 unless asked for
  int32_t num_top = 0;                // min(num_logprobs, vocab, kMaxTopLogprobs)
  TokenLogprob top[kMaxTopLogprobs];  // likeliest first; zeros behind num_top
};
static_assert(sizeof(SampledToken) == 12 + 8 * kMaxTopLogprobs);

// Step 2 of the contract on one logit.
constexpr float AdjustLogit(float logit, const SamplingRow& row, const TokenAdjustment& adjustment) {
  float a = logit + adjustment.bias;
  if (adjustment.in_context != 0) a = a > 0.0f ? a / row.repetition_penalty : a * row.repetition_penalty;
  a = Fma(-row.frequency_penalty, static_cast<float>(adjustment.output_count), a);
  return adjustment.output_count > 0 ? a - row.presence_penalty : a;
}

// floor(bits * total / 2^64) without a 128-bit type: the product of 32-bit halves, carried by hand.
constexpr uint64_t ScaleDown(uint64_t bits, uint64_t total) {
  const uint64_t low = (bits & 0xffffffffu) * (total & 0xffffffffu);
  const uint64_t middle = (bits >> 32) * (total & 0xffffffffu) + (low >> 32);
  const uint64_t other = (bits & 0xffffffffu) * (total >> 32) + (middle & 0xffffffffu);
  return (bits >> 32) * (total >> 32) + (middle >> 32) + (other >> 32);
}

// Step 6: the random number of the row, scaled to integers below `total`.
constexpr uint64_t DrawTarget(const SamplingRow& row, uint64_t total) {
  return ScaleDown(DrawBits(row.seed, row.choice, row.position), total);
}

}  // namespace engine
