// Sampling parameters end to end: what they do to the tokens of an answer.
#include <algorithm>
#include <cmath>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

class SamplingTest : public ::testing::Test {
 protected:
  SamplingTest() : engine_(OpenEngine(Q8Model())) {}
  Generation Ask(const GenerationRequest& request) { return Answer(*engine_, request); }

  std::unique_ptr<Engine> engine_;
};

TEST_F(SamplingTest, SameSeedRepeatsAnAnswerAndAnotherDoesNot) {
  GenerationRequest request = Continue(RandomTokens(1, 10), 20);
  request.sampling.temperature = 1;
  request.sampling.seed = 7;
  const Generation first = Ask(request);
  ExpectSame(Ask(request), first, "same seed");
  request.sampling.seed = 8;
  EXPECT_NE(Ask(request).tokens, first.tokens);
}

TEST_F(SamplingTest, ChoicesOfOneSeedDifferAndRepeat) {
  GenerationRequest request = Continue(RandomTokens(1, 10), 20);
  request.sampling.temperature = 1;
  request.sampling.seed = 7;
  const Generation first = Ask(request);
  request.choice = 1;
  const Generation second = Ask(request);
  EXPECT_NE(second.tokens, first.tokens);
  ExpectSame(Ask(request), second, "same choice");
}

TEST_F(SamplingTest, WithoutASeedAnswersDiffer) {
  GenerationRequest request = Continue(RandomTokens(1, 10), 20);
  request.sampling.temperature = 1;
  EXPECT_NE(Ask(request).tokens, Ask(request).tokens);
}

TEST_F(SamplingTest, TopKOfOneIsGreedy) {
  GenerationRequest request = Continue(RandomTokens(2, 10), 20);
  const Generation greedy = Ask(request);
  request.sampling.temperature = 1;
  request.sampling.top_k = 1;
  EXPECT_EQ(Ask(request).tokens, greedy.tokens);
  request.sampling.top_k = 0;
  request.sampling.top_p = 1e-6f;
  EXPECT_EQ(Ask(request).tokens, greedy.tokens);
  request.sampling.top_p = 1;
  request.sampling.min_p = 1;
  EXPECT_EQ(Ask(request).tokens, greedy.tokens);
}

TEST_F(SamplingTest, LogprobsAreSortedAndGreedyTakesTheFirst) {
  const Generation answer = Ask(Continue(RandomTokens(3, 10), 6));
  ASSERT_EQ(answer.logprobs.size(), answer.tokens.size());
  for (size_t t = 0; t < answer.tokens.size(); ++t) {
    const TokenLogprobs& logprobs = answer.logprobs[t];
    EXPECT_EQ(logprobs.token, answer.tokens[t]);
    ASSERT_EQ(logprobs.top.size(), 5u);
    EXPECT_EQ(logprobs.top[0], std::pair(logprobs.token, logprobs.logprob));
    EXPECT_TRUE(std::ranges::is_sorted(logprobs.top, std::greater(), &std::pair<int32_t, float>::second));
  }
}

TEST_F(SamplingTest, LogprobsAreGivenOnlyWhenAskedFor) {
  GenerationRequest request = Continue(RandomTokens(3, 10), 6);
  request.sampling.logprobs = SamplingParams::kNoLogprobs;
  EXPECT_TRUE(Ask(request).logprobs.empty());
  request.sampling.logprobs = 0;
  const Generation answer = Ask(request);
  EXPECT_EQ(answer.logprobs.size(), 6u);
  EXPECT_TRUE(answer.logprobs[0].top.empty());
}

// The log-probability of a token is the same whether it is generated or read.
TEST_F(SamplingTest, PromptLogprobsAreThoseOfTheSameTokensGenerated) {
  GenerationRequest request = Continue(RandomTokens(4, 40), 10);
  const Generation generated = Ask(request);
  request.prompt_tokens.insert(request.prompt_tokens.end(), generated.tokens.begin(), generated.tokens.end());
  request.sampling.max_tokens = 1;
  request.sampling.prompt_logprobs = 5;
  const Generation read = Ask(request);
  ASSERT_EQ(read.prompt_logprobs.size(), 49u);  // nothing foretells the first
  for (size_t t = 0; t < generated.logprobs.size(); ++t) {
    const TokenLogprobs& scored = read.prompt_logprobs[39 + t];
    EXPECT_EQ(scored.token, generated.logprobs[t].token);
    EXPECT_EQ(scored.logprob, generated.logprobs[t].logprob);
    EXPECT_EQ(scored.top, generated.logprobs[t].top);
  }
}

TEST_F(SamplingTest, ProbabilitiesOfTheLikeliestAddUpToAtMostOne) {
  GenerationRequest request = Continue(RandomTokens(5, 10), 4);
  request.sampling.logprobs = 20;
  for (const TokenLogprobs& logprobs : Ask(request).logprobs) {
    double sum = 0;
    for (const auto& [token, logprob] : logprobs.top) sum += std::exp(logprob);
    EXPECT_GT(sum, 0.1);
    EXPECT_LE(sum, 1 + 1e-5);
  }
}

TEST_F(SamplingTest, BiasForcesAndForbidsTokens) {
  GenerationRequest request = Continue(RandomTokens(6, 10), 8);
  const int32_t favourite = Ask(request).tokens[0];
  request.sampling.logit_bias = {{favourite, -100.0f}};
  EXPECT_THAT(Ask(request).tokens, ::testing::Not(::testing::Contains(favourite)));
  request.sampling.logit_bias = {{'x', 100.0f}};
  const Generation forced = Ask(request);
  EXPECT_EQ(forced.text, "xxxxxxxx");
  EXPECT_LT(forced.logprobs[0].logprob, -0.1) << "log-probabilities are the model's own";
}

TEST_F(SamplingTest, PenaltiesMakeTokensRarer) {
  GenerationRequest request = Continue(RandomTokens(7, 10), 60);
  request.sampling.logit_bias = {{'x', 20.0f}};
  const auto count = [](const Generation& answer) { return std::ranges::count(answer.tokens, 'x'); };
  const auto unpenalised = count(Ask(request));
  EXPECT_EQ(unpenalised, 60);
  request.sampling.frequency_penalty = 2;
  EXPECT_LT(count(Ask(request)), unpenalised);
  request.sampling.frequency_penalty = 0;
  request.sampling.repetition_penalty = 100;
  EXPECT_LT(count(Ask(request)), unpenalised);
  request.sampling.repetition_penalty = 1;
  // A presence penalty counts once, so it decides only between near logits: here between two forced tokens.
  request.sampling.logit_bias = {{'x', 100.0f}, {'y', 99.0f}};
  request.sampling.presence_penalty = 2;
  const std::vector<int32_t> tokens = Ask(request).tokens;
  EXPECT_GT(std::set<int32_t>(tokens.begin(), tokens.end()).size(), 1u);
}

}  // namespace
}  // namespace engine
