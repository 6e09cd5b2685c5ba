// Answers with forbidden tokens and words, and with reasoning that must end: they keep to it, and depend on nothing else.
#include "engine/token_rules.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<int32_t> Letters() {
  std::vector<int32_t> letters;
  for (int32_t letter = 'a'; letter <= 'z'; ++letter) letters.push_back(letter);
  return letters;
}

GenerationRequest Ask(uint64_t seed, int max_tokens = 60) {
  return {.prompt_tokens = RandomTokens(seed, 20),
          .sampling = {.temperature = 1.0f, .seed = seed, .max_tokens = max_tokens}};
}

// The prompt has opened the reasoning.
GenerationRequest Think(uint64_t seed, int budget, int max_tokens = 60) {
  GenerationRequest request = Ask(seed, max_tokens);
  for (const char c : std::string("<think>\n")) request.prompt_tokens.push_back(c);
  request.sampling.ignore_eos = true;
  request.split_output = true;
  request.thinking_token_budget = budget;
  return request;
}

const EngineOptions kThinks = {.reasoning_parser = "qwen3"};

TEST(AnswerRules, OnlyAllowedTokensAreDrawn) {
  const auto engine = OpenEngine(Q8Model());
  GenerationRequest request = Ask(1);
  request.allowed_token_ids = {'x', 'y', 260};
  const Generation answer = Answer(*engine, request);
  EXPECT_THAT(answer.tokens, Each(::testing::AnyOf('x', 'y', 260)));
  EXPECT_EQ(answer.finish, Finish::kLength) << "the end is not allowed";
  request.allowed_token_ids.push_back(kTinyTurnEnd);
  request.sampling.logit_bias = {{kTinyTurnEnd, 100.0f}};
  EXPECT_EQ(Answer(*engine, request).finish, Finish::kStop);
}

TEST(AnswerRules, BadWordsAreNotSaid) {
  const auto engine = OpenEngine(Q8Model());
  GenerationRequest request = Ask(2);
  request.allowed_token_ids = Letters();
  for (int i = 0; i < 8; ++i) {
    const std::string text = Answer(*engine, request).text;
    ASSERT_EQ(text.size(), 60u);
    for (const std::string& word : request.bad_words) EXPECT_THAT(text, Not(HasSubstr(word)));
    request.bad_words.push_back(text.substr(5 * i, 1 + i % 3));
    if (request.bad_words.back() == "he") request.bad_words.pop_back();  // which the tokenizer spells as one token
  }
}

TEST(AnswerRules, AWordIsBadBehindABlankToo) {
  const auto engine = OpenEngine(Q8Model());
  GenerationRequest request = Ask(3);
  constexpr int32_t kBlankThe = 262, kThe = 't';  // " the" is one token, "the" is "t" and "he"
  request.allowed_token_ids = {'x', kThe, 257, kBlankThe};
  request.bad_words = {"the"};
  const Generation answer = Answer(*engine, request);
  EXPECT_THAT(answer.tokens, Not(::testing::Contains(kBlankThe)));
  EXPECT_THAT(answer.text, Not(HasSubstr("the")));
}

TEST(AnswerRules, ReasoningEndsWithinItsBudget) {
  const auto engine = OpenEngine(Q8Model(), kThinks);
  for (const int budget : {0, 1, 7, 20}) {
    const Generation answer = Answer(*engine, Think(4, budget));
    EXPECT_EQ(answer.reasoning_tokens, budget + 7) << "with </think>, which has seven tokens";
    EXPECT_EQ(answer.tokens.size(), 60u);
    EXPECT_FALSE(answer.text.empty());
  }
  EXPECT_EQ(Answer(*engine, Think(4, 1000)).reasoning_tokens, 60);
}

TEST(AnswerRules, AGrammarHoldsTheAnswerBehindTheReasoning) {
  const auto engine = OpenEngine(Q8Model(), kThinks);
  const std::pair<OutputGrammar::Kind, std::string> grammars[] = {
      {OutputGrammar::Kind::kJsonSchema, R"({"enum": [12]})"},
      {OutputGrammar::Kind::kRegex, "1[2]"},
      {OutputGrammar::Kind::kChoice, R"(["12"])"},
      {OutputGrammar::Kind::kLark, "start: \"1\" \"2\""},
      {OutputGrammar::Kind::kGbnf, "root ::= \"12\""}};
  for (const auto& [kind, text] : grammars) {
    GenerationRequest request = Think(6, 5);
    request.grammar = {.kind = kind, .text = text};
    const Generation answer = Answer(*engine, request);
    // With </think>, which waits until a character is whole.
    EXPECT_GE(answer.reasoning_tokens, 5 + 7);
    EXPECT_LE(answer.reasoning_tokens, 5 + 3 + 7);
    EXPECT_EQ(answer.text, "12");
    EXPECT_EQ(answer.finish, Finish::kStop);
  }
}

// A model that writes `first` wherever it may.
GenerationRequest Begin(char first, int budget) {
  GenerationRequest request{.messages = {{"user", "hi"}},
                            .sampling = {.temperature = 1.0f, .seed = 7, .max_tokens = 90}};
  request.sampling.logit_bias = {{first, 100.0f}, {first == '<' ? '1' : '<', -100.0f}};
  request.grammar = {.kind = OutputGrammar::Kind::kChoice, .text = R"(["12"])"};
  request.split_output = true;
  request.thinking_token_budget = budget;
  return request;
}

TEST(AnswerRules, AModelMayThinkBeforeAnAnswerWithAFormAlthoughNoPromptSaysSo) {
  const auto engine = OpenEngine(Q8Model(), kThinks);
  const Generation thinks = Answer(*engine, Begin('<', 5));
  EXPECT_EQ(thinks.text, "12");
  EXPECT_EQ(thinks.finish, Finish::kStop);
  EXPECT_GE(thinks.reasoning.size(), 5u);
  EXPECT_GE(thinks.reasoning_tokens, 5 + 7);
  const Generation answers = Answer(*engine, Begin('1', 5));
  EXPECT_EQ(answers.text, "12");
  EXPECT_EQ(answers.reasoning, "");
  EXPECT_EQ(answers.tokens.size(), 2u);
}

TEST(AnswerRules, ARequestThatSwitchesThinkingOffIsAnsweredInItsFormAtOnce) {
  const auto engine = OpenEngine(Q8Model(), kThinks);
  for (const char* off :
       {R"({"enable_thinking": false})", R"({"thinking": false})", R"({"reasoning_effort": "none"})"}) {
    GenerationRequest request = Begin('<', 5);
    request.template_kwargs = off;
    const Generation answer = Answer(*engine, request);
    EXPECT_EQ(answer.text, "12") << off;
    EXPECT_EQ(answer.tokens.size(), 2u) << off;
  }
}

TEST(AnswerRules, ABudgetLeavesWhatIsNoReasoningAlone) {
  const auto engine = OpenEngine(Q8Model(), kThinks);
  GenerationRequest request = Ask(5);
  request.split_output = true;
  const Generation expected = Answer(*engine, request);
  request.thinking_token_budget = 0;
  ExpectSame(Answer(*engine, request), expected, "without reasoning");
}

TEST(AnswerRules, AreTheSameAloneAndTogetherChunkedPreemptedAndDrafted) {
  std::vector<GenerationRequest> requests;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    GenerationRequest request = seed % 3 == 2 ? Think(seed, 10 + static_cast<int>(seed)) : Ask(seed);
    // A soft distribution over few tokens repeats itself, so that there is much to look up.
    request.sampling.temperature = seed % 2 == 0 ? 0.0f : 0.3f;
    if (seed % 3 == 0) request.bad_words = {"a", "e", "xy", "zz", "q", "th"};
    if (seed % 3 == 1) request.allowed_token_ids = {'a', 'b', 'c'};
    if (seed % 3 == 1) request.bad_words = {"aab", "bb", "cac"};
    if (seed == 5) request = Begin('<', 9);
    if (seed == 4) request.grammar = {OutputGrammar::Kind::kRegex, "[ab]+c[a-z]{30}"};
    requests.push_back(std::move(request));
  }
  EngineOptions plain_options = kThinks;
  plain_options.num_speculative_tokens = 0;
  const auto plain = OpenEngine(Q8Model(), plain_options);
  std::vector<Generation> expected;
  for (const GenerationRequest& request : requests) expected.push_back(Answer(*plain, request));
  const int64_t tight = plain->model().kv_cache_bytes / 16 * 3;
  int64_t drafted = 0;
  for (EngineOptions options : {EngineOptions{}, EngineOptions{.max_num_batched_tokens = 24},
                                EngineOptions{.kv_cache_bytes = tight}, EngineOptions{.threads = 3}}) {
    options.reasoning_parser = "qwen3";
    const auto engine = OpenEngine(Q8Model(), options);
    for (int round = 0; round < 2; ++round) {
      const std::vector<Generation> answers = AnswerTogether(*engine, requests);
      for (size_t r = 0; r < requests.size(); ++r) {
        ExpectSame(answers[r], expected[r], absl::StrFormat("request %d, round %d", r, round));
        drafted += answers[r].drafted_tokens;
      }
    }
    for (const GenerationRequest& request : requests) drafted += Answer(*engine, request).drafted_tokens;
  }
  EXPECT_GT(drafted, 0);
}

TEST(AnswerRules, LogitsThatAreNotFiniteAreNoFaultOfTheRequest) {
  const ModelOnDisk model({.nan_token = 7});
  const auto engine = OpenEngine(model);
  GenerationRequest request = Ask(1);
  request.prompt_tokens[10] = 7;
  request.allowed_token_ids = Letters();
  EXPECT_EQ(engine->Generate(request).status(), absl::InternalError("the model's logits are not finite"));
  request.prompt_tokens[10] = 8;
  request.allowed_token_ids = {kTinyTurnEnd};
  request.sampling.min_tokens = 1;
  EXPECT_TRUE(absl::IsInvalidArgument(engine->Generate(request).status())) << "the end alone, which may not come yet";
}

TEST(AnswerRules, AreRefusedWithTheReason) {
  const auto engine = OpenEngine(Q8Model());
  GenerationRequest request = Ask(1);
  request.allowed_token_ids = {1, 266};
  EXPECT_EQ(Refusal(*engine, request), "allowed_token_ids has token 266; the model's tokens are 0 to 265");
  request.allowed_token_ids = {'a'};
  request.bad_words = {"a", " "};
  EXPECT_EQ(Refusal(*engine, request), "bad_words has an entry without a letter");
  request.bad_words = {std::string(TokenRules::kMaxBadWordBytes + 1, 'a')};
  EXPECT_EQ(Refusal(*engine, request), "bad_words has an entry of 4097 bytes; it may have 4096");
  request.bad_words.clear();
  for (char c = 'a'; c < 'h'; ++c) request.bad_words.emplace_back(TokenRules::kMaxBadWordBytes, c);
  EXPECT_EQ(Refusal(*engine, request), "bad_words has more than 16384 tokens together");
  request.bad_words = {"a"};
  EXPECT_THAT(std::string(engine->Generate(request).status().message()), StartsWith("no token is left to draw"));
  EXPECT_THAT(Refusal(*engine, Think(1, 1)), HasSubstr("name its reasoning_parser"));
  EXPECT_EQ(Refusal(*OpenEngine(Q8Model(), kThinks), Think(1, -1)),
            "thinking_token_budget is -1; it must be at least 0");
}

}  // namespace
}  // namespace engine
