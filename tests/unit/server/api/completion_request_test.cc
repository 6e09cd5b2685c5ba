// What /v1/completions reads besides what chats have too.
#include "server/api/completion_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<ApiRequest> Read(const std::string& body) {
  ApiRequest request;
  RETURN_IF_ERROR(ReadCompletionRequest(Json::parse(body), request));
  return request;
}

std::string Refusal(const std::string& body) {
  const auto request = Read(body);
  return request.ok() ? "accepted" : std::string(Message(request.status()));
}

TEST(CompletionRequest, ReadsEveryFormOfPrompt) {
  const auto prompts = [](const std::string& prompt) { return Read(R"({"prompt": )" + prompt + "}")->prompts; };
  EXPECT_EQ(prompts(R"("a")")[0].generation.prompt, "a");
  EXPECT_EQ(prompts(R"(["a", "b"])")[1].generation.prompt, "b");
  EXPECT_THAT(prompts("[1, 2]")[0].generation.prompt_tokens, ElementsAre(1, 2));
  EXPECT_EQ(prompts("[1, 2]").size(), 1u);
  EXPECT_THAT(prompts("[[1, 2], [3]]")[1].generation.prompt_tokens, ElementsAre(3));
}

TEST(CompletionRequest, PromptsOfAProgramMayHaveControlTokens) {
  const auto request = Read(R"({"prompt": "a", "add_special_tokens": false})");
  EXPECT_TRUE(request->prompts[0].generation.parse_special_tokens);
  EXPECT_FALSE(request->prompts[0].generation.add_special_tokens);
}

TEST(CompletionRequest, AnEmptyPromptIsRefused) {
  EXPECT_EQ(Refusal("{}"), "prompt is missing");
  EXPECT_EQ(Refusal(R"({"prompt": ""})"), "prompt is empty");
  EXPECT_EQ(Refusal(R"({"prompt": []})"), "prompt is empty");
  EXPECT_EQ(Refusal(R"({"prompt": "a", "logprobs": -1})"), "logprobs is -1; it must be at least 0");
  EXPECT_EQ(Refusal(R"({"prompt": [[1], []]})"), "prompt[1] is empty");
  EXPECT_EQ(Refusal(R"({"prompt": [1, "a"]})"), "prompt[1] is \"a\"; it must be an integer");
}

TEST(CompletionRequest, AnswersHaveSixteenTokensUnlessMoreAreAskedFor) {
  EXPECT_EQ(Read(R"({"prompt": "a"})")->sampling().max_tokens, 16);
  EXPECT_EQ(Read(R"({"prompt": "a", "max_tokens": 3})")->sampling().max_tokens, 3);
}

TEST(CompletionRequest, AnEchoWithLogprobsScoresThePrompt) {
  const auto request = Read(R"({"prompt": "a", "echo": true, "logprobs": 2, "max_tokens": 0})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->sampling().prompt_logprobs, 2);
  EXPECT_EQ(request->sampling().logprobs, 2);
  EXPECT_TRUE(request->no_answer);
  EXPECT_EQ(request->sampling().max_tokens, 1);
}

TEST(CompletionRequest, AnEchoedPromptHasTheLogprobsOfTheAnswer) {
  EXPECT_EQ(Refusal(R"({"prompt": "a", "echo": true, "logprobs": 2, "prompt_logprobs": 2})"), "accepted");
  EXPECT_EQ(Refusal(R"({"prompt": "a", "echo": true, "logprobs": 2, "prompt_logprobs": 3})"),
            "prompt_logprobs is 3, and logprobs of the prompt that echo shows is 2; give one number");
}

TEST(CompletionRequest, SeedsAreAllThatSixtyFourBitsHold) {
  EXPECT_EQ(Read(R"({"prompt": "a", "seed": 9223372036854775807})")->sampling().seed, (uint64_t{1} << 63) - 1);
  EXPECT_EQ(Read(R"({"prompt": "a", "seed": -9223372036854775808})")->sampling().seed, uint64_t{1} << 63);
  EXPECT_THAT(Refusal(R"({"prompt": "a", "seed": 9223372036854775808})"), HasSubstr("seed is a number beyond"));
  EXPECT_THAT(Refusal(R"({"prompt": "a", "seed": -9.3e18})"), HasSubstr("seed is a number beyond"));
  EXPECT_THAT(Refusal(R"({"prompt": "a", "n": 4294967297})"), HasSubstr("n is a number beyond"));
}

TEST(CompletionRequest, TooManyFieldsAreThoseOfTheBody) {
  Json body = {{"prompt", "a"}};
  for (int i = 0; i < 300; ++i) body["k" + std::to_string(i)] = i;
  EXPECT_THAT(Refusal(body.dump()), HasSubstr("the body has 301 entries"));
}

TEST(CompletionRequest, ThereIsNoBestOfMoreAnswersThanAreReturned) {
  EXPECT_EQ(Refusal(R"({"prompt": "a", "n": 2, "best_of": 2})"), "accepted");
  EXPECT_THAT(Refusal(R"({"prompt": "a", "n": 2, "best_of": 3})"), HasSubstr("best_of is 3"));
  EXPECT_THAT(Refusal(R"({"prompt": "a", "suffix": "b"})"), HasSubstr("suffix is not supported"));
}

TEST(CompletionRequest, FieldsOfAChatAreUnknown) {
  EXPECT_THAT(Refusal(R"({"prompt": "a", "messages": []})"), HasSubstr("messages is not a field"));
  EXPECT_THAT(Refusal(R"({"prompt": "a", "logprobs": true})"), HasSubstr("logprobs is true; it must be an integer"));
}

}  // namespace
}  // namespace engine
