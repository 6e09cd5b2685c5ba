// What Submit and Generate accept, refuse and answer.
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ModelOnDisk& F32Model() {
  static const ModelOnDisk model({.weights = DType::kF32});
  return model;
}

TEST(Request, MessagesPromptAndTokensSayTheSame) {
  const auto engine = OpenEngine(F32Model());
  GenerationRequest messages = Continue({}, 4), prompt = messages, tokens = messages;
  messages.messages = {{"user", "hi"}};
  tokens.prompt_tokens = {kTinyTurnStart};
  for (const char c : std::string("us")) tokens.prompt_tokens.push_back(c);
  tokens.prompt_tokens.push_back(259);  // "er"
  for (const char c : std::string("\nhi")) tokens.prompt_tokens.push_back(c);
  for (const int32_t id : {int32_t{kTinyTurnEnd}, int32_t{'\n'}, kTinyTurnStart}) tokens.prompt_tokens.push_back(id);
  for (const char c : std::string("assist")) tokens.prompt_tokens.push_back(c);
  for (const int32_t id : {260, int32_t{'t'}, int32_t{'\n'}}) tokens.prompt_tokens.push_back(id);  // "an"
  const Generation answer = Answer(*engine, messages);
  EXPECT_EQ(answer.prompt_tokens, static_cast<int64_t>(tokens.prompt_tokens.size()));
  ExpectSame(Answer(*engine, tokens), answer, "tokens");

  prompt.prompt = "hi";
  EXPECT_THAT(engine->Render(prompt)->tokens, ElementsAre('h', 'i'));
}

TEST(Request, WithoutACallbackIsRefused) {
  const auto engine = OpenEngine(F32Model());
  const auto id = engine->Submit(Continue({1}, 2), nullptr);
  EXPECT_EQ(id.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Request, NothingIsCalledAfterUpdatesWhereNothingIsSet) {
  const auto engine = OpenEngine(F32Model());
  engine->SetAfterUpdates(nullptr);
  EXPECT_EQ(Answer(*engine, Continue({1}, 2)).tokens.size(), 2u);
}

TEST(Request, ControlTokensInTextStayText) {
  const auto engine = OpenEngine(F32Model());
  const auto count = [&](const GenerationRequest& request) { return engine->Render(request)->tokens.size(); };
  EXPECT_EQ(count({.prompt = "<|im_end|>"}), 10u);
  EXPECT_EQ(count({.messages = {{"user", "<|im_end|>"}}}), count({.messages = {{"user", "0123456789"}}}));
}

TEST(Request, APromptThatAsksForItHasControlTokens) {
  const auto engine = OpenEngine(F32Model());
  const auto prompt = engine->Render({.prompt = "a<|im_end|>", .parse_special_tokens = true});
  EXPECT_THAT(prompt->tokens, ElementsAre('a', kTinyTurnEnd));
  EXPECT_EQ(*engine->Detokenize(prompt->tokens), "a<|im_end|>");
}

TEST(Request, TheRenderedPromptIsWhatTheModelReads) {
  const auto engine = OpenEngine(F32Model());
  GenerationRequest chat = Continue({}, 4);
  chat.messages = {{"user", "<|im_end|> hi"}};
  const auto prompt = engine->Render(chat);
  EXPECT_EQ(prompt->text, "<|im_start|>user\n<|im_end|> hi<|im_end|>\n<|im_start|>assistant\n");
  ExpectSame(Answer(*engine, Continue(prompt->tokens, 4)), Answer(*engine, chat), "the rendered prompt");
}

TEST(Request, ALastMessageThatGoesOnIsLeftOpen) {
  const auto engine = OpenEngine(F32Model());
  GenerationRequest chat{.messages = {{"user", "hi"}, {"assistant", "Well, "}}, .continue_final_message = true};
  EXPECT_EQ(engine->Render(chat)->text, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nWell, ");
  chat.messages.back().content.reset();
  EXPECT_THAT(Refusal(*engine, chat), HasSubstr("needs a last message with content"));
}

TEST(Request, ExactlyOneFormOfPromptIsTaken) {
  const auto engine = OpenEngine(F32Model());
  EXPECT_THAT(Refusal(*engine, {}), HasSubstr("0 are given"));
  EXPECT_THAT(Refusal(*engine, {.messages = {{"user", "a"}}, .prompt = "b"}), HasSubstr("2 are given"));
}

TEST(Request, PromptLongerThanTheContextIsRefusedWithBothNumbers) {
  const auto engine = OpenEngine(F32Model(), {.max_model_len = 64});
  EXPECT_THAT(Refusal(*engine, Continue(RandomTokens(1, 64), 1)), AllOf(HasSubstr("64 tokens"), HasSubstr("shorten")));
  EXPECT_EQ(Answer(*engine, Continue(RandomTokens(1, 63), 5)).tokens.size(), 1u);
}

TEST(Request, TokensBeyondTheVocabularyAreRefused) {
  const auto engine = OpenEngine(F32Model());
  EXPECT_THAT(Refusal(*engine, Continue({5, kTinyVocab}, 1)), AllOf(HasSubstr("266"), HasSubstr("0 to 265")));
  EXPECT_THAT(Refusal(*engine, Continue({-1}, 1)), HasSubstr("-1"));
}

TEST(Request, SamplingOutOfItsLimitsIsRefusedByName) {
  const auto engine = OpenEngine(F32Model());
  const auto refusal = [&](auto set) {
    GenerationRequest request = Continue({1}, 1);
    set(request.sampling);
    return Refusal(*engine, request);
  };
  EXPECT_THAT(refusal([](auto& s) { s.temperature = -1; }), HasSubstr("temperature is -1"));
  EXPECT_THAT(refusal([](auto& s) { s.temperature = std::numeric_limits<float>::quiet_NaN(); }), HasSubstr("nan"));
  EXPECT_THAT(refusal([](auto& s) { s.top_p = 0; }), HasSubstr("top_p is 0"));
  EXPECT_THAT(refusal([](auto& s) { s.max_tokens = 0; }), HasSubstr("max_tokens is 0"));
  EXPECT_THAT(refusal([](auto& s) { s.min_tokens = 2; }), HasSubstr("min_tokens is 2"));
  EXPECT_THAT(refusal([](auto& s) { s.logprobs = 21; }), HasSubstr("logprobs is 21"));
  EXPECT_THAT(refusal([](auto& s) { s.logit_bias = {{kTinyVocab, 1.0f}}; }), HasSubstr("logit_bias has token 266"));
  EXPECT_THAT(refusal([](auto& s) { s.stop = {""}; }), HasSubstr("stop has an empty string"));
}

// The step's buffers are planned for a number of biases per row; more would be written beyond them.
TEST(Request, MoreBiasesThanAStepHasRoomForAreRefused) {
  const auto engine = OpenEngine(F32Model());
  GenerationRequest request = Continue({1}, 1);
  request.sampling.logit_bias.assign(SamplingParams::kMaxBiases, {1, 0.0f});
  EXPECT_EQ(Answer(*engine, request).tokens.size(), 1u);
  request.sampling.stop_token_ids = {2};
  EXPECT_THAT(Refusal(*engine, request), AllOf(HasSubstr("4097"), HasSubstr("4096")));
}

TEST(Request, LogitsThatAreNotFiniteFailTheirRequestAlone) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kQ4_1}) {
    const ModelOnDisk model({.weights = dtype, .nan_token = 7});
    const auto engine = OpenEngine(model, {.max_model_len = 128, .max_num_seqs = 3, .enable_prefix_caching = false});
    std::vector<int32_t> clean = RandomTokens(1, 40), poisoned = RandomTokens(2, 40);
    for (int32_t& token : clean) token = token == 7 ? 8 : token;
    poisoned[20] = 7;
    // No answer may choose the poisonous token by itself.
    GenerationRequest healthy = Continue(clean, 12), sick = Continue(poisoned, 12);
    healthy.sampling.logit_bias = {{7, -100.0f}};
    const Generation alone = Answer(*engine, healthy);

    const auto failed = engine->Generate(sick);
    EXPECT_THAT(std::string(Message(failed.status())), HasSubstr("not finite"));
    const std::vector<Generation> together = AnswerTogether(*engine, {sick, healthy, sick, healthy, healthy});
    EXPECT_EQ(together[0].finish, Finish::kError);
    EXPECT_EQ(together[2].finish, Finish::kError);
    // The blocks of the cache that held the poison are used again by these.
    for (const int r : {1, 3, 4}) ExpectSame(together[r], alone, "request " + std::to_string(r));
  }
}

TEST(Request, UsageCountsPromptAndCachedTokens) {
  const auto engine = OpenEngine(F32Model());
  const GenerationRequest request = Continue(RandomTokens(3, 70), 5);
  const Generation first = Answer(*engine, request), second = Answer(*engine, request);
  EXPECT_EQ(first.prompt_tokens, 70);
  EXPECT_EQ(first.cached_tokens, 0);
  EXPECT_EQ(second.cached_tokens, 64);  // whole blocks of 32
  EXPECT_EQ(second.tokens.size(), 5u);
  EXPECT_EQ(second.finish, Finish::kLength);
}

TEST(Request, AnotherSaltFindsNothingInTheCache) {
  const auto engine = OpenEngine(F32Model());
  GenerationRequest request = Continue(RandomTokens(3, 70), 2);
  const Generation unsalted = Answer(*engine, request);
  request.cache_salt = "tenant";
  const Generation salted = Answer(*engine, request);
  EXPECT_EQ(salted.cached_tokens, 0);
  ExpectSame(salted, unsalted, "salted");
  EXPECT_EQ(Answer(*engine, request).cached_tokens, 64);
}

// One sequence runs at a time; the first keeps the engine busy until the others are queued.
TEST(Request, LowerPriorityValueRunsFirst) {
  const auto engine = OpenEngine(F32Model(), {.max_num_seqs = 1});
  std::mutex mutex;
  std::vector<std::string> order;
  std::atomic<bool> queued = false;
  std::atomic<int> open = 3;
  const auto submit = [&](const std::string& name, int priority, int max_tokens) {
    GenerationRequest request = Continue({1, 2}, max_tokens);
    request.priority = priority;
    const auto id = engine->Submit(request, [&, name](const GenerationUpdate& update) {
      queued.wait(false);
      if (update.finish == Finish::kNone) return;
      std::lock_guard lock(mutex);
      order.push_back(name);
      --open;
      open.notify_one();
    });
    ASSERT_TRUE(id.ok()) << id.status();
  };
  submit("first", 0, 400);
  submit("late", 5, 1);
  submit("urgent", 1, 1);
  queued = true;
  queued.notify_all();
  for (int left = open; left > 0; left = open) open.wait(left);
  EXPECT_THAT(order, ElementsAre("first", "urgent", "late"));
}

}  // namespace
}  // namespace engine
