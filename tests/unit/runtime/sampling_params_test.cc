#include "core/runtime/sampling_params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace engine {
namespace {

constexpr int kVocabulary = 100;

TEST(SamplingParams, DefaultsAreValid) { EXPECT_TRUE(SamplingParams{}.Validate(kVocabulary).ok()); }

struct BadField {
  const char* message;
  std::function<void(SamplingParams&)> spoil;
};

TEST(SamplingParams, ARefusalNamesTheFieldItsValueAndTheLimits) {
  const BadField cases[] = {
      {"temperature is -1; it must be finite and at least 0", [](auto& p) { p.temperature = -1; }},
      {"temperature is nan", [](auto& p) { p.temperature = NAN; }},
      {"temperature is inf", [](auto& p) { p.temperature = INFINITY; }},
      {"top_k is -1", [](auto& p) { p.top_k = -1; }},
      {"top_p is 0; it must lie in (0, 1]", [](auto& p) { p.top_p = 0; }},
      {"top_p is 1.5", [](auto& p) { p.top_p = 1.5f; }},
      {"min_p is nan; it must lie in [0, 1]", [](auto& p) { p.min_p = NAN; }},
      {"repetition_penalty is 0; it must lie in [0.001, 1000]", [](auto& p) { p.repetition_penalty = 0; }},
      {"repetition_penalty is 1e-38", [](auto& p) { p.repetition_penalty = 1e-38f; }},
      {"repetition_penalty is inf", [](auto& p) { p.repetition_penalty = INFINITY; }},
      {"presence_penalty is 2.5; it must lie in [-2, 2]", [](auto& p) { p.presence_penalty = 2.5f; }},
      {"frequency_penalty is -3", [](auto& p) { p.frequency_penalty = -3; }},
      {"logit_bias has token 100; the model's tokens are 0 to 99", [](auto& p) { p.logit_bias = {{100, 1.0f}}; }},
      {"logit_bias is 101; it must lie in [-100, 100]", [](auto& p) { p.logit_bias = {{1, 101.0f}}; }},
      {"logit_bias and stop_token_ids have 4097 tokens; they may have 4096 together",
       [](auto& p) { p.logit_bias.resize(4000), p.stop_token_ids.resize(97); }},
      {"stop has an empty string", [](auto& p) { p.stop = {"a", ""}; }},
      {"stop_token_ids has token -1", [](auto& p) { p.stop_token_ids = {-1}; }},
      {"max_tokens is 0; it must be at least 1", [](auto& p) { p.max_tokens = 0; }},
      {"min_tokens is 6; it must lie in [0, 5]", [](auto& p) { p.max_tokens = 5, p.min_tokens = 6; }},
      {"logprobs is 21; it must lie in [-1, 20]", [](auto& p) { p.logprobs = 21; }},
      {"prompt_logprobs is -1; it must lie in [0, 20]", [](auto& p) { p.prompt_logprobs = -1; }},
  };
  for (const BadField& bad : cases) {
    SamplingParams params;
    bad.spoil(params);
    const absl::Status status = params.Validate(kVocabulary);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad.message;
    EXPECT_THAT(std::string(Message(status)), ::testing::HasSubstr(bad.message));
  }
}

TEST(SamplingParams, LimitsThemselvesAreAllowed) {
  SamplingParams params = {.temperature = 0,
                           .top_p = 1,
                           .min_p = 1,
                           .repetition_penalty = 0.001f,
                           .presence_penalty = -2,
                           .frequency_penalty = 2};
  params.logit_bias = {{0, -100.0f}, {99, 100.0f}};
  params.max_tokens = params.min_tokens = 1;
  params.logprobs = 20;
  params.prompt_logprobs = 0;
  EXPECT_TRUE(params.Validate(kVocabulary).ok()) << params.Validate(kVocabulary);
}

TEST(SamplingParams, OnlyPenaltiesDependOnEarlierTokens) {
  SamplingParams params = {.temperature = 0.5f, .top_k = 3};
  EXPECT_FALSE(params.has_penalties());
  params.repetition_penalty = 1.1f;
  EXPECT_TRUE(params.has_penalties());
}

}  // namespace
}  // namespace engine
