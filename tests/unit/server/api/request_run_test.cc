// From a request to the engine and back, whatever the endpoint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api/service.h"
#include "tests/unit/server/api/api_builders.h"

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kChat[] = "/v1/chat/completions";
constexpr char kHello[] = R"({"messages": [{"role": "user", "content": "hi"}]})";

Json Hello(const Json& more) {
  Json body = Json::parse(kHello);
  body.update(more);
  return body;
}

std::string MessageOf(const RecordingResponder& response) { return Json::parse(response.body)["error"]["message"]; }

TEST(RequestRun, TheEngineGetsTheRenderedPromptAndTheModelsDefaults) {
  ScriptedEngine engine;
  ApiClient(engine).PostText(kChat, kHello);
  ASSERT_EQ(engine.submitted.size(), 1u);
  const GenerationRequest& request = engine.submitted[0].request;
  EXPECT_EQ(std::string(request.prompt_tokens.begin(), request.prompt_tokens.end()), "user:hi|");
  EXPECT_TRUE(request.messages.empty());
  EXPECT_EQ(request.sampling.temperature, 0.5f);
}

TEST(RequestRun, NothingIsSentBeforeTheAnswerIsWhole) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).PostText(kChat, kHello);
  engine.Say(0, "a");
  EXPECT_EQ(response->status, 0);
  engine.Say(0, "b", Finish::kStop);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->content_type, "application/json");
  EXPECT_EQ(Json::parse(response->body)["choices"][0]["message"]["content"], "ab");
}

TEST(RequestRun, BodiesThatAreNoRequestAreRefused) {
  ScriptedEngine engine;
  const ApiClient client(engine);
  EXPECT_EQ(client.PostText(kChat, std::string())->status, 400);
  EXPECT_THAT(MessageOf(*client.PostText(kChat, std::string("{"))), HasSubstr("the body is not valid JSON at byte"));
  EXPECT_THAT(MessageOf(*client.PostText(kChat, std::string("[]"))),
              HasSubstr("the body is an array; it must be an object"));
  EXPECT_THAT(MessageOf(*client.PostText(kChat, std::string(100, '['))), HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(MessageOf(*client.PostText(kChat, std::string(R"({"n": 1, "n": 2})"))),
              HasSubstr("has the key \"n\" twice"));
  EXPECT_TRUE(engine.submitted.empty());
}

TEST(RequestRun, ABodyThatIsEncodedIsRefusedWithTheReason) {
  HttpRequest request{.headers = {{"Content-Encoding", "gzip"}}, .body = "{}"};
  EXPECT_THAT(Message(ReadBody(request).status()), HasSubstr("Content-Encoding: gzip"));
  request.headers[0].second = "Identity";
  EXPECT_TRUE(ReadBody(request).ok());
}

TEST(RequestRun, AnUnknownModelIsNotFoundAndKnownOnesAreNamed) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kChat, Hello({{"model", "gpt-4"}}));
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(
      Json::parse(response->body)["error"],
      Json::parse(R"({"message": "model is \"gpt-4\"; this server has tiny, alias", "type": "invalid_request_error",
                            "param": "model", "code": "model_not_found"})"));
}

TEST(RequestRun, AnswersNameTheModelAsTheRequestDid) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kChat, Hello({{"model", "alias"}}));
  engine.Say(0, "a", Finish::kStop);
  EXPECT_EQ(Json::parse(response->body)["model"], "alias");
}

TEST(RequestRun, WhatTheEngineRefusesIsRefused) {
  ScriptedEngine engine;
  engine.refusal = InvalidArgument("temperature is -1");
  const auto response = ApiClient(engine).PostText(kChat, kHello);
  EXPECT_EQ(response->status, 400);
  EXPECT_EQ(MessageOf(*response), "temperature is -1");
}

TEST(RequestRun, AFullQueueAsksForALaterTry) {
  ScriptedEngine engine;
  engine.limit = 0;
  const auto response = ApiClient(engine).Post(kChat, Hello({{"stream", true}}));
  EXPECT_EQ(response->status, 429);
  EXPECT_THAT(response->headers, ElementsAre(Pair("Retry-After", "1")));
  EXPECT_EQ(engine.num_rejected, 1);
}

TEST(RequestRun, APromptLongerThanTheContextIsRefusedWithBothNumbers) {
  ScriptedEngine engine;
  const std::string text(200, 'a');
  const auto response = ApiClient(engine).Post("/v1/completions", Json{{"prompt", text}});
  EXPECT_EQ(response->status, 400);
  EXPECT_THAT(MessageOf(*response),
              HasSubstr("it has 200 tokens, and this model's maximum context length is 100 tokens"));
  EXPECT_EQ(Json::parse(response->body)["error"]["code"], "context_length_exceeded");
}

TEST(RequestRun, APromptMayBeCutToItsEnd) {
  ScriptedEngine engine;
  ApiClient(engine).Post("/v1/completions", Json{{"prompt", "abcdef"}, {"truncate_prompt_tokens", 2}});
  EXPECT_THAT(engine.submitted.at(0).request.prompt_tokens, ElementsAre('e', 'f'));
}

TEST(RequestRun, OtherAnswersToAPromptWaitUntilItIsInTheCache) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kChat, Hello({{"n", 3}}));
  EXPECT_EQ(engine.submitted.size(), 1u);
  engine.Say(0, "a");
  ASSERT_EQ(engine.submitted.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(engine.submitted[i].request.choice, i);
  engine.Say(2, "c", Finish::kStop);
  engine.Say(0, "A", Finish::kLength);
  EXPECT_EQ(response->status, 0);
  engine.Say(1, "b", Finish::kStop);
  const Json body = Json::parse(response->body);
  EXPECT_EQ(body["choices"][0]["message"]["content"], "aA");
  EXPECT_EQ(body["choices"][1]["message"]["content"], "b");
  EXPECT_EQ(body["choices"][2]["index"], 2);
  EXPECT_EQ(body["usage"]["prompt_tokens"], 8);  // once, although three answers have it
  EXPECT_EQ(body["usage"]["completion_tokens"], 4);
}

TEST(RequestRun, AnAnswerThatEndsAtOnceStillHasOthersBesideIt) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kChat, Hello({{"n", 2}}));
  engine.Say(0, "", Finish::kStop);
  ASSERT_EQ(engine.submitted.size(), 2u);
  engine.Say(1, "b", Finish::kStop);
  EXPECT_EQ(Json::parse(response->body)["choices"].size(), 2u);
}

// Clients that vanish must not leave requests behind (vllm-project/vllm#32439).
TEST(RequestRun, AClientThatVanishesCancelsEveryAnswer) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kChat, Hello({{"n", 2}, {"stream", true}}));
  engine.Say(0, "a");
  response->gone();
  EXPECT_THAT(engine.cancelled, ElementsAre(0, 1));
  const std::string sent = response->body;
  engine.Say(0, "b", Finish::kCancelled);
  EXPECT_EQ(response->body, sent);
}

// A grammar takes seconds to compile, in which neither the client's connection nor the engine's output may wait.
TEST(RequestRun, AClientThatVanishesWhileTheEngineTakesItsRequestCancelsIt) {
  ScriptedEngine engine;
  const ApiClient client(engine);
  auto response = std::make_shared<RecordingResponder>();
  engine.while_submitting = [&] { response->gone(); };
  client.PostTo(response, "/v1/completions", Json{{"prompt", {"a", "b"}}});
  EXPECT_EQ(engine.submitted.size(), 1u);
  EXPECT_THAT(engine.cancelled, ElementsAre(0));
}

TEST(RequestRun, AnAnswerGrowsWhileTheEngineTakesAnother) {
  ScriptedEngine engine;
  engine.while_submitting = [&] {
    if (engine.submitted.size() == 2) engine.Say(0, "A", Finish::kStop);
    if (engine.submitted.size() == 2) engine.Say(1, "B", Finish::kStop);
  };
  const auto response = ApiClient(engine).Post("/v1/completions", Json{{"prompt", {"a", "b", "c"}}});
  ASSERT_EQ(engine.submitted.size(), 3u);
  engine.Say(2, "C", Finish::kStop);
  const Json body = Json::parse(response->body);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(body["choices"][i]["text"], std::string(1, static_cast<char>('A' + i)));
}

TEST(RequestRun, ATimeoutIsTheWholeRequestsHoweverManyAnswersItHas) {
  ScriptedEngine engine;
  ApiClient(engine).Post(kChat, Hello({{"n", 2}}));
  const TimePoint submitted = Now();
  engine.Say(0, "a");
  for (const auto& one : engine.submitted) {
    EXPECT_GT(one.request.began, TimePoint());
    EXPECT_LE(one.request.began, submitted);
  }
}

TEST(RequestRun, PromptsThatTheQueueHasNoRoomForWaitForTheOthers) {
  ScriptedEngine engine;
  engine.limit = 2;
  const auto response = ApiClient(engine).Post("/v1/completions", Json{{"prompt", {"a", "b", "c"}}});
  ASSERT_EQ(engine.submitted.size(), 2u);
  engine.limit = 3;
  engine.Say(1, "B", Finish::kStop);
  ASSERT_EQ(engine.submitted.size(), 3u);
  engine.Say(0, "A", Finish::kStop);
  engine.Say(2, "C", Finish::kStop);
  EXPECT_EQ(Json::parse(response->body)["choices"][2]["text"], "C");
}

TEST(RequestRun, AFullQueueTakesWhatFollowsTheLastPromptUnderWay) {
  ScriptedEngine engine;
  engine.limit = 2;
  const auto response = ApiClient(engine).Post("/v1/completions", Json{{"prompt", {"a", "b", "c"}}});
  engine.Say(1, "B", Finish::kStop);
  ASSERT_EQ(engine.submitted.size(), 2u);
  engine.Say(0, "A", Finish::kStop);
  ASSERT_EQ(engine.submitted.size(), 3u);
  engine.Say(2, "C", Finish::kStop);
  EXPECT_EQ(Json::parse(response->body)["choices"][2]["text"], "C");
  EXPECT_EQ(engine.num_rejected, 0);
}

TEST(RequestRun, OtherAnswersThatTheQueueHasNoRoomForWaitForTheFirst) {
  ScriptedEngine engine;
  engine.limit = 1;
  const auto response = ApiClient(engine).Post(kChat, Hello({{"n", 2}, {"stream", true}}));
  engine.Say(0, "a");
  ASSERT_EQ(engine.submitted.size(), 1u);
  engine.Say(0, "", Finish::kStop);
  ASSERT_EQ(engine.submitted.size(), 2u);
  engine.Say(1, "b", Finish::kStop);
  EXPECT_TRUE(response->ended);
  EXPECT_EQ(engine.num_rejected, 0);
}

TEST(RequestRun, OtherAnswersToAPromptComeBeforeOtherPrompts) {
  ScriptedEngine engine;
  engine.limit = 1;
  ApiClient(engine).Post("/v1/completions", Json{{"prompt", {"a", "b"}}, {"n", 2}});
  engine.Say(0, "A", Finish::kStop);
  ASSERT_EQ(engine.submitted.size(), 2u);
  EXPECT_EQ(engine.submitted[1].request.choice, 1);
  engine.Say(1, "A", Finish::kStop);
  ASSERT_EQ(engine.submitted.size(), 3u);
  EXPECT_EQ(engine.submitted[2].request.prompt_tokens.front(), 'b');
}

TEST(RequestRun, AClientThatVanishesAfterItsAnswerCancelsNothing) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).PostText(kChat, kHello);
  engine.Say(0, "a", Finish::kStop);
  response->gone();
  EXPECT_TRUE(engine.cancelled.empty());
}

TEST(RequestRun, AnErrorOfTheEngineIsTheAnswer) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).PostText(kChat, kHello);
  engine.Tell(0, {.finish = Finish::kError, .error = absl::InternalError("the model's logits are not finite")});
  EXPECT_EQ(response->status, 500);
  EXPECT_EQ(MessageOf(*response), "the model's logits are not finite");
}

TEST(RequestRun, AGrammarThatFailsInUseIsNamedAsItWasSent) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kChat, Hello({{"guided_regex", "a+"}}));
  engine.Tell(0, {.finish = Finish::kError, .error = InvalidArgument("too many states")});
  EXPECT_EQ(response->status, 400);
  EXPECT_EQ(Json::parse(response->body)["error"]["param"], "guided_regex");
}

TEST(RequestRun, AnErrorInAStreamIsItsLastEvent) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kChat, Hello({{"n", 2}, {"stream", true}}));
  engine.Say(0, "a");
  engine.Tell(0, {.finish = Finish::kError, .error = absl::InternalError("broken")});
  EXPECT_EQ(response->Events().back()["error"]["message"], "broken");
  EXPECT_TRUE(response->ended);
  EXPECT_THAT(engine.cancelled, ::testing::Contains(1));
}

TEST(RequestRun, AStreamThatFailsBeforeItsFirstEventHasAStatusOfItsOwn) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kChat, Hello({{"stream", true}}));
  engine.Tell(0, {.finish = Finish::kError, .error = absl::UnavailableError("shutting down")});
  EXPECT_EQ(response->status, 503);
}

}  // namespace
}  // namespace engine
