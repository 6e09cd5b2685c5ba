// Answers that a grammar constrains: what they look like, when they end, and that they depend on nothing else.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using Kind = OutputGrammar::Kind;

GenerationRequest Ask(Kind kind, const std::string& text, uint64_t seed = 1) {
  return {.prompt_tokens = RandomTokens(seed, 20),
          .sampling = {.temperature = 1.2f, .seed = seed, .max_tokens = 400},
          .grammar = {kind, text}};
}

constexpr char kPerson[] = R"({"type": "object", "additionalProperties": false, "required": ["name", "age"],
  "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
                 "tags": {"type": "array", "maxItems": 3, "items": {"enum": ["a", "bc", null]}}}})";

std::vector<GenerationRequest> MixedRequests() {
  std::vector<GenerationRequest> requests;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    GenerationRequest request{.prompt_tokens = RandomTokens(seed % 4, 30 + 10 * static_cast<int>(seed)),
                              .sampling = {.temperature = 1.0f, .seed = seed, .max_tokens = 60}};
    if (seed % 3 == 0) request.grammar = {Kind::kJsonSchema, kPerson};
    if (seed % 3 == 1) request.grammar = {Kind::kRegex, "(the answer is )+(yes|no)[a-z]{0,20}"};
    if (seed == 4) request.sampling = {.temperature = 0, .repetition_penalty = 1.2f, .max_tokens = 60, .logprobs = 3};
    if (seed == 6) request.sampling.prompt_logprobs = 1;
    requests.push_back(std::move(request));
  }
  return requests;
}

TEST(GrammarAnswers, FollowTheirSchema) {
  const auto engine = OpenEngine(Q8Model());
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Generation answer = Answer(*engine, Ask(Kind::kJsonSchema, kPerson, seed));
    ASSERT_EQ(answer.finish, Finish::kStop) << answer.text;
    const auto json = nlohmann::json::parse(answer.text, nullptr, false);
    ASSERT_TRUE(json.is_object()) << answer.text;
    EXPECT_TRUE(json["name"].is_string() && json["age"].is_number_integer()) << answer.text;
    EXPECT_LE(json["age"].get<int>(), 150);
    EXPECT_LE(json.size(), 3u);
  }
}

TEST(GrammarAnswers, EndWithTheLastTokenThatTheGrammarAllows) {
  const auto engine = OpenEngine(Q8Model());
  GenerationRequest request = Ask(Kind::kRegex, "[xyz]{5}");
  for (const bool ignore_eos : {false, true}) {
    request.sampling.ignore_eos = ignore_eos;
    request.sampling.min_tokens = 20;  // of which the grammar allows fewer
    const Generation answer = Answer(*engine, request);
    EXPECT_THAT(answer.text, MatchesRegex("[xyz]{5}"));
    EXPECT_EQ(answer.tokens.size(), 5u);
    EXPECT_EQ(answer.finish, Finish::kStop);
  }
}

TEST(GrammarAnswers, MayEndWhereTheGrammarIsCompleteAndGoOnWhereTheEndIsIgnored) {
  const auto engine = OpenEngine(Q8Model());
  GenerationRequest request = Ask(Kind::kRegex, "[a-z]+");
  request.sampling.logit_bias = {{kTinyTurnEnd, 100.0f}, {kTinyEndOfText, 100.0f}};
  EXPECT_EQ(Answer(*engine, request).tokens.size(), 2u);  // a letter and the end
  request.sampling.min_tokens = 7;
  EXPECT_EQ(Answer(*engine, request).tokens.size(), 8u);
  request.sampling = {.temperature = 1, .seed = 1, .ignore_eos = true, .max_tokens = 40};
  const Generation answer = Answer(*engine, request);
  EXPECT_EQ(answer.tokens.size(), 40u);
  EXPECT_EQ(answer.finish, Finish::kLength);
  EXPECT_THAT(answer.text, MatchesRegex("[a-z]+"));
}

TEST(GrammarAnswers, AreNotCutByAStopStringWhereTheyAreIncomplete) {
  const auto engine = OpenEngine(Q8Model());
  GenerationRequest request = Ask(Kind::kRegex, "abcabc[x-z]+");
  request.sampling.stop = {"c", "y"};
  const Generation answer = Answer(*engine, request);
  EXPECT_THAT(answer.text, MatchesRegex("abcabc[xz]*"));
  EXPECT_EQ(answer.finish, Finish::kStop);
}

TEST(GrammarAnswers, AreTheSameAloneAndTogetherChunkedPreemptedAndDrafted) {
  const std::vector<GenerationRequest> requests = MixedRequests();
  const auto plain = OpenEngine(Q8Model(), {.num_speculative_tokens = 0});
  std::vector<Generation> expected;
  for (const GenerationRequest& request : requests) expected.push_back(Answer(*plain, request));
  // 12 sequences of up to 200 tokens of which about two thirds find room.
  const int64_t tight = plain->model().kv_cache_bytes / 16 * 3;
  for (const EngineOptions& options : {EngineOptions{}, EngineOptions{.max_num_batched_tokens = 24},
                                       EngineOptions{.kv_cache_bytes = tight}, EngineOptions{.threads = 3}}) {
    const auto engine = OpenEngine(Q8Model(), options);
    for (int round = 0; round < 2; ++round) {  // the second finds its prompts in the cache
      const std::vector<Generation> answers = AnswerTogether(*engine, requests);
      for (size_t r = 0; r < requests.size(); ++r) {
        ExpectSame(answers[r], expected[r], absl::StrFormat("request %d, round %d", r, round));
      }
    }
  }
}

TEST(GrammarAnswers, NeedFewerStepsWhereTheGrammarSaysWhatFollows) {
  const auto engine = OpenEngine(Q8Model());
  GenerationRequest request = Ask(Kind::kRegex, "(0123456789ABCDEFGHIJKLMNOPQRSTUV\n){4}");
  const Generation answer = Answer(*engine, request);
  EXPECT_EQ(answer.text.size(), 132u);
  EXPECT_GT(answer.accepted_tokens, 66);
}

TEST(GrammarAnswers, AreRefusedWithTheReason) {
  const auto engine = OpenEngine(Q8Model());
  EXPECT_THAT(Refusal(*engine, Ask(Kind::kJsonSchema, "{")), HasSubstr("JSON schema: it is not JSON"));
  EXPECT_THAT(Refusal(*engine, Ask(Kind::kLark, "start: other")), HasSubstr("Lark grammar: "));
  EXPECT_EQ(Answer(*engine, Ask(Kind::kRegex, "ok")).text, "ok");
}

}  // namespace
}  // namespace engine
