// Responses and chunks of /v1/chat/completions, compared as whole documents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/server/api/api_builders.h"

namespace engine {
namespace {

constexpr char kPath[] = "/v1/chat/completions";

std::shared_ptr<RecordingResponder> Ask(ScriptedEngine& engine, const Json& more) {
  Json body = Json::parse(R"({"messages": [{"role": "user", "content": "hi"}]})");
  if (!more.is_null()) body.update(more);
  return ApiClient(engine).Post(kPath, body);
}

Json Whole(const RecordingResponder& response) { return Timeless(Json::parse(response.body)); }

Json DeltaOf(const Json& chunk) { return chunk["choices"][0]["delta"]; }

TEST(ChatAnswer, IsWhatOpenAiClientsRead) {
  ScriptedEngine engine;
  const auto response = Ask(engine, {});
  engine.Say(0, "abc", Finish::kStop);
  EXPECT_EQ(Whole(*response), Json::parse(R"({
    "id": "chatcmpl-id1", "object": "chat.completion", "model": "tiny",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "abc", "refusal": null}, "logprobs": null,
                 "finish_reason": "stop", "stop_reason": null}],
    "usage": {"prompt_tokens": 8, "completion_tokens": 3, "total_tokens": 11,
              "prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 0}},
    "timings": {"cache_n": 1, "prompt_n": 7, "predicted_n": 3}})"));
}

TEST(ChatAnswer, SaysWhyItEnded) {
  const auto choice = [](const Json& more, const GenerationUpdate& last) {
    ScriptedEngine engine;
    const auto response = Ask(engine, more);
    engine.Tell(0, last);
    const Json json = Json::parse(response->body)["choices"][0];
    return std::pair(json["finish_reason"], json["stop_reason"]);
  };
  EXPECT_EQ(choice({}, {.tokens = {'a'}, .finish = Finish::kLength}), std::pair(Json("length"), Json()));
  EXPECT_EQ(choice({{"stop", "x"}}, {.tokens = {'a'}, .finish = Finish::kStop, .stop_string = "x"}),
            std::pair(Json("stop"), Json("x")));
  EXPECT_EQ(choice({{"stop_token_ids", {7}}}, {.tokens = {7}, .finish = Finish::kStop}),
            std::pair(Json("stop"), Json(7)));
  EXPECT_EQ(choice({{"stop_token_ids", {7}}}, {.tokens = {8}, .finish = Finish::kStop}),
            std::pair(Json("stop"), Json()));
  EXPECT_EQ(choice({}, {.finish = Finish::kCancelled}), std::pair(Json("abort"), Json()));
}

TEST(ChatAnswer, ShowsLogprobsWithBytes) {
  ScriptedEngine engine;
  const auto response = Ask(engine, {{"logprobs", true}, {"top_logprobs", 1}});
  engine.Tell(0,
              {.text = "x",
               .tokens = {0xC3},
               .logprobs = {{.token = 0xC3, .logprob = -std::numeric_limits<float>::infinity(), .top = {{'B', -0.5f}}}},
               .finish = Finish::kStop});
  EXPECT_EQ(Json::parse(response->body)["choices"][0]["logprobs"], Json::parse(R"({"content": [
    {"token": "\ufffd", "logprob": -9999.0, "bytes": [195],
     "top_logprobs": [{"token": "B", "logprob": -0.5, "bytes": [66]}]}]})"));
}

TEST(ChatAnswer, ShowsTokenIdsWhenAskedFor) {
  ScriptedEngine engine;
  const auto response =
      Ask(engine, {{"return_token_ids", true}, {"return_tokens_as_token_ids", true}, {"logprobs", true}});
  engine.Say(0, "a", Finish::kStop);
  const Json json = Json::parse(response->body);
  EXPECT_EQ(json["prompt_token_ids"].size(), 8u);
  EXPECT_EQ(json["choices"][0]["token_ids"], Json::parse("[97]"));
  EXPECT_EQ(json["choices"][0]["logprobs"]["content"][0]["token"], "token_id:97");
}

TEST(ChatAnswer, ShowsPromptLogprobsAsVllmDoes) {
  ScriptedEngine engine;
  const auto response = Ask(engine, {{"prompt_logprobs", 1}});
  engine.Tell(0, {.prompt_logprobs = {{.token = 's', .logprob = -2, .top = {{'t', -1}}}}});
  engine.Say(0, "a", Finish::kStop);
  EXPECT_EQ(Json::parse(response->body)["prompt_logprobs"], Json::parse(R"([null, {
    "115": {"logprob": -2.0, "rank": null, "decoded_token": "s"},
    "116": {"logprob": -1.0, "rank": 1, "decoded_token": "t"}}])"));
}

GenerationUpdate Called(int index, const std::string& id, const std::string& name, const std::string& arguments) {
  GenerationUpdate update{.tokens = {1}};
  update.tool_calls.push_back({.index = index, .piece = {.id = id, .name = name, .arguments = arguments}});
  return update;
}

Json WithTools(Json more = Json::object()) {
  more["tools"] = Json::parse(R"([{"type": "function", "function": {"name": "f"}}])");
  return more;
}

TEST(ChatAnswer, HasReasoningUnderBothNamesAndCalls) {
  ScriptedEngine engine;
  const auto response = Ask(engine, WithTools());
  engine.Tell(0, {.reasoning = "hm", .tokens = {1, 2}, .reasoning_tokens = 2});
  engine.Tell(0, Called(0, "own", "f", ""));
  engine.Tell(0, Called(0, "", "", "{\"x\""));
  engine.Tell(0, Called(0, "", "", ": 1}"));
  engine.Tell(0, Called(1, "", "g", "{}"));
  engine.Say(0, "", Finish::kStop);
  const Json json = Json::parse(response->body);
  Json message = json["choices"][0]["message"];
  const std::string made = message["tool_calls"][1]["id"];
  EXPECT_EQ(made.size(), 9u);
  message["tool_calls"][1]["id"] = "made";
  EXPECT_EQ(message, Json::parse(R"({"role": "assistant", "content": null, "refusal": null, "reasoning": "hm",
    "reasoning_content": "hm", "tool_calls": [
      {"id": "own", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}},
      {"id": "made", "type": "function", "function": {"name": "g", "arguments": "{}"}}]})"));
  EXPECT_EQ(json["choices"][0]["finish_reason"], "tool_calls");
  EXPECT_EQ(json["usage"]["completion_tokens_details"]["reasoning_tokens"], 2);
}

TEST(ChatAnswer, LeavesReasoningOutWhenTheClientDoesNotWantIt) {
  ScriptedEngine engine;
  const auto response = Ask(engine, {{"include_reasoning", false}});
  engine.Tell(0, {.text = "a", .reasoning = "hm", .tokens = {1}, .finish = Finish::kStop});
  EXPECT_EQ(Json::parse(response->body)["choices"][0]["message"],
            Json::parse(R"({"role": "assistant", "content": "a", "refusal": null})"));
}

TEST(ChatAnswer, HasTheOldFormOfACallWhereToolsWereAskedForInIt) {
  ScriptedEngine engine;
  const auto response = Ask(engine, {{"functions", Json::parse(R"([{"name": "f"}])")}});
  engine.Tell(0, Called(0, "", "f", "{}"));
  engine.Say(0, "", Finish::kStop);
  const Json choice = Json::parse(response->body)["choices"][0];
  EXPECT_EQ(choice["message"]["function_call"], Json::parse(R"({"name": "f", "arguments": "{}"})"));
  EXPECT_EQ(choice["finish_reason"], "function_call");
}

TEST(ChatStream, BeginsWithTheRoleAndEndsWithTheReason) {
  ScriptedEngine engine;
  const auto response = Ask(engine, {{"stream", true}});
  engine.Say(0, "a");
  engine.Tell(0, {.tokens = {1}});  // text that a stop string may still take back
  engine.Say(0, "bc", Finish::kLength);
  EXPECT_EQ(response->content_type, "text/event-stream");
  const std::vector<Json> events = response->Events();
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(Timeless(events[0]), Json::parse(R"({"id": "chatcmpl-id1", "object": "chat.completion.chunk",
    "model": "tiny", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": null,
    "finish_reason": null}]})"));
  EXPECT_EQ(DeltaOf(events[1]), Json::parse(R"({"content": "a"})"));
  EXPECT_EQ(DeltaOf(events[2]), Json::parse(R"({"content": "bc"})"));
  EXPECT_EQ(Timeless(events[3]), Json::parse(R"({"id": "chatcmpl-id1", "object": "chat.completion.chunk",
    "model": "tiny", "choices": [{"index": 0, "delta": {}, "logprobs": null, "finish_reason": "length",
    "stop_reason": null}], "timings": {"cache_n": 1, "prompt_n": 7, "predicted_n": 4}})"));
}

TEST(ChatStream, EndsWithTheUsageWhenAskedFor) {
  ScriptedEngine engine;
  const auto response = Ask(engine, {{"stream", true}, {"stream_options", {{"include_usage", true}}}});
  engine.Say(0, "ab", Finish::kStop);
  const std::vector<Json> events = response->Events();
  EXPECT_EQ(events.back()["choices"], Json::array());
  EXPECT_EQ(events.back()["usage"]["completion_tokens"], 2);
  for (size_t i = 0; i + 1 < events.size(); ++i) EXPECT_TRUE(events[i].at("usage").is_null());
}

TEST(ChatStream, ShowsTheUsageSoFarWhenAskedFor) {
  ScriptedEngine engine;
  const auto response = Ask(engine, {{"stream", true}, {"stream_options", {{"continuous_usage_stats", true}}}});
  engine.Say(0, "a");
  engine.Say(0, "bc", Finish::kStop);
  const std::vector<Json> events = response->Events();
  EXPECT_EQ(events[1]["usage"]["completion_tokens"], 1);
  EXPECT_EQ(events.back()["usage"]["completion_tokens"], 3);
}

TEST(ChatStream, ShowsLogprobsOfTokensWhoseTextIsStillHeldBack) {
  ScriptedEngine engine;
  const auto response = Ask(engine, {{"stream", true}, {"logprobs", true}});
  engine.Tell(0, {.tokens = {'a'}, .logprobs = {{.token = 'a', .logprob = -1}}});
  engine.Say(0, "b", Finish::kStop);
  const std::vector<Json> events = response->Events();
  EXPECT_EQ(events[1]["choices"][0]["logprobs"]["content"][0]["token"], "a");
  EXPECT_EQ(DeltaOf(events[1]), Json::object());
}

// Arguments arrive as they are made, not in one piece at the end (vllm-project/vllm#30439).
TEST(ChatStream, StreamsReasoningAndTheArgumentsOfCalls) {
  ScriptedEngine engine;
  const auto response = Ask(engine, WithTools({{"stream", true}}));
  engine.Tell(0, {.reasoning = "hm", .tokens = {1}});
  engine.Tell(0, Called(0, "own", "f", ""));
  engine.Tell(0, Called(0, "", "", "{\"x\""));
  engine.Tell(0, Called(0, "", "", ": 1}"));
  engine.Say(0, "", Finish::kStop);
  const std::vector<Json> events = response->Events();
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(DeltaOf(events[1]), Json::parse(R"({"reasoning": "hm", "reasoning_content": "hm"})"));
  EXPECT_EQ(DeltaOf(events[2]), Json::parse(R"({"tool_calls": [{"index": 0, "id": "own", "type": "function",
                                                "function": {"name": "f", "arguments": ""}}]})"));
  EXPECT_EQ(DeltaOf(events[3]), Json::parse(R"({"tool_calls": [{"index": 0, "function": {"arguments": "{\"x\""}}]})"));
  EXPECT_EQ(DeltaOf(events[4]), Json::parse(R"({"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]})"));
  EXPECT_EQ(events[5]["choices"][0]["finish_reason"], "tool_calls");
}

TEST(ChatStream, TellsChoicesApartByIndex) {
  ScriptedEngine engine;
  const auto response = Ask(engine, {{"stream", true}, {"n", 2}});
  engine.Say(0, "a", Finish::kStop);
  engine.Say(1, "b", Finish::kStop);
  std::string texts[2];
  for (const Json& event : response->Events()) {
    texts[event["choices"][0]["index"].get<int>()] += DeltaOf(event).value("content", "");
  }
  EXPECT_EQ(texts[0], "a");
  EXPECT_EQ(texts[1], "b");
}

TEST(ChatAnswer, CarriesWarningsOfLenientReading) {
  ScriptedEngine engine;
  const Json body = Json::parse(R"({"messages": [{"role": "user", "content": "hi"}], "foo": 1})");
  const auto response = ApiClient(engine, /*lenient=*/true).Post(kPath, body);
  engine.Say(0, "a", Finish::kStop);
  EXPECT_EQ(Json::parse(response->body)["warnings"][0], "foo is not a field of this request (ignored)");
}

TEST(ChatStream, BeginsWithThePromptsLogprobsWhenAllAreKnown) {
  ScriptedEngine engine;
  const auto response = Ask(engine, {{"stream", true}, {"prompt_logprobs", 0}});
  engine.Tell(0, {.prompt_logprobs = {{.token = 's', .logprob = -2}}});
  engine.Tell(0, {.prompt_logprobs = {{.token = 't', .logprob = -3}}});
  EXPECT_EQ(response->body, "");
  engine.Say(0, "a", Finish::kStop);
  const std::vector<Json> events = response->Events();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0]["prompt_logprobs"].size(), 3u);
  EXPECT_EQ(events[0]["prompt_logprobs"][2]["116"]["logprob"], -3.0);
  EXPECT_FALSE(events[1].contains("prompt_logprobs"));
}

}  // namespace
}  // namespace engine
