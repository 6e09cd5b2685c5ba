// When answers end, and what of them is shown.
#include <algorithm>
#include <future>

#include "core/base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

class Stop : public ::testing::Test {
 protected:
  Stop() : engine_(OpenEngine(Q8Model())) {}
  Generation Ask(const GenerationRequest& request) { return Answer(*engine_, request); }

  // An answer in letters only, and mostly different ones.
  static GenerationRequest Letters(int max_tokens) {
    GenerationRequest request = Continue(RandomTokens(1, 20), max_tokens);
    for (int32_t token = 0; token < kTinyVocab; ++token) {
      if (token < 'a' || token > 'z') request.sampling.logit_bias.emplace_back(token, -100.0f);
    }
    request.sampling.temperature = 1.5;
    request.sampling.seed = 3;
    return request;
  }

  std::unique_ptr<Engine> engine_;
};

TEST_F(Stop, StopStringAcrossTokensEndsTheTextBeforeIt) {
  GenerationRequest request = Letters(40);
  const std::string text = Ask(request).text;
  ASSERT_EQ(text.size(), 40u);
  for (const size_t at : {size_t{0}, size_t{9}, size_t{36}}) {
    const std::string stop = text.substr(at, 4);  // four tokens
    request.sampling.stop = {"never found", stop};
    request.sampling.include_stop_in_output = false;
    const Generation stopped = Ask(request);
    EXPECT_EQ(stopped.text, text.substr(0, text.find(stop)));
    EXPECT_EQ(stopped.finish, Finish::kStop);
    EXPECT_EQ(stopped.stop_string, stop);
    EXPECT_EQ(stopped.tokens.size(), text.find(stop) + 4);
    request.sampling.include_stop_in_output = true;
    EXPECT_EQ(Ask(request).text, text.substr(0, text.find(stop)) + stop);
  }
}

TEST_F(Stop, BeginningOfAStopStringIsShownWhenTheRestDoesNotCome) {
  GenerationRequest request = Letters(20);
  const std::string text = Ask(request).text;
  request.sampling.stop = {text.substr(18) + "?"};
  const Generation answer = Ask(request);
  EXPECT_EQ(answer.text, text);
  EXPECT_EQ(answer.finish, Finish::kLength);
  EXPECT_EQ(answer.stop_string, "");
}

TEST_F(Stop, StopTokenEndsTheAnswerAndIsNotShown) {
  GenerationRequest request = Letters(40);
  const Generation whole = Ask(request);
  request.sampling.stop_token_ids = {whole.tokens[10]};
  const auto at = std::ranges::find(whole.tokens, whole.tokens[10]) - whole.tokens.begin();
  const Generation stopped = Ask(request);
  EXPECT_EQ(stopped.finish, Finish::kStop);
  EXPECT_EQ(stopped.text, whole.text.substr(0, at));
  EXPECT_EQ(stopped.tokens.size(), static_cast<size_t>(at + 1));
  request.sampling.include_stop_in_output = true;
  EXPECT_EQ(Ask(request).text, whole.text.substr(0, at + 1));
}

TEST_F(Stop, EndOfTurnEndsTheAnswerUnlessIgnored) {
  GenerationRequest request = Continue(RandomTokens(1, 20), 5);
  request.sampling.logit_bias = {{kTinyTurnEnd, 100.0f}};
  request.sampling.ignore_eos = false;
  const Generation ended = Ask(request);
  EXPECT_EQ(ended.finish, Finish::kStop);
  EXPECT_EQ(ended.tokens, std::vector<int32_t>{kTinyTurnEnd});
  request.sampling.include_stop_in_output = true;
  EXPECT_EQ(Ask(request).text, "");
  request.skip_special_tokens = false;
  EXPECT_EQ(Ask(request).text, "<|im_end|>");
  request.sampling.include_stop_in_output = false;
  EXPECT_EQ(ended.text, "");
  request.sampling.ignore_eos = true;
  const Generation ignored = Ask(request);
  EXPECT_EQ(ignored.finish, Finish::kLength);
  EXPECT_EQ(ignored.tokens.size(), 5u);
}

TEST_F(Stop, NoEndComesBeforeMinTokens) {
  GenerationRequest request = Continue(RandomTokens(1, 20), 20);
  request.sampling.logit_bias = {{kTinyTurnEnd, 100.0f}};
  request.sampling.ignore_eos = false;
  request.sampling.min_tokens = 6;
  const Generation answer = Ask(request);
  ASSERT_EQ(answer.tokens.size(), 7u);
  EXPECT_EQ(std::ranges::count(answer.tokens, kTinyTurnEnd), 1);
}

TEST_F(Stop, NoStopStringIsSeenBeforeMinTokens) {
  GenerationRequest request = Continue(RandomTokens(1, 20), 20);
  const Generation whole = Ask(request);
  request.sampling.stop = {whole.text.substr(0, 1)};
  EXPECT_EQ(Ask(request).finish, Finish::kStop);
  request.sampling.min_tokens = 20;
  const Generation answer = Ask(request);
  EXPECT_EQ(answer.finish, Finish::kLength);
  EXPECT_EQ(answer.text, whole.text);
}

TEST_F(Stop, WithoutMaxTokensTheContextIsFilled) {
  GenerationRequest request = Continue(RandomTokens(1, 20), SamplingParams::kUntilContextIsFull);
  const Generation answer = Ask(request);
  EXPECT_EQ(answer.finish, Finish::kLength);
  EXPECT_EQ(answer.tokens.size(), static_cast<size_t>(kTinyContext - 20));
}

// Random bytes: code points that never end, and ones that span tokens.
TEST_F(Stop, StreamedPiecesAreWholeCodePoints) {
  GenerationRequest request = Continue(RandomTokens(2, 20), 200);
  request.sampling.temperature = 1;
  request.sampling.seed = 1;
  std::string text;
  std::promise<void> ended;
  const auto id = engine_->Submit(request, [&](const GenerationUpdate& update) {
    EXPECT_TRUE(CheckUtf8(update.text).ok()) << update.text;
    text += update.text;
    if (update.finish != Finish::kNone) ended.set_value();
  });
  ASSERT_TRUE(id.ok()) << id.status();
  ended.get_future().wait();
  EXPECT_GT(text.size(), 100u);
  EXPECT_THAT(text, ::testing::HasSubstr("\xEF\xBF\xBD"));
}

}  // namespace
}  // namespace engine
