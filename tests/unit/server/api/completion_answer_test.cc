// Responses and chunks of /v1/completions.
#include <gtest/gtest.h>

#include "tests/unit/server/api/api_builders.h"

namespace engine {
namespace {

constexpr char kPath[] = "/v1/completions";

TEST(CompletionAnswer, IsWhatOpenAiClientsRead) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Json{{"prompt", "hi"}});
  engine.Say(0, "abc", Finish::kLength);
  EXPECT_EQ(Timeless(Json::parse(response->body)), Json::parse(R"({
    "id": "cmpl-id1", "object": "text_completion", "model": "tiny",
    "choices": [{"index": 0, "text": "abc", "logprobs": null, "finish_reason": "length", "stop_reason": null}],
    "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5,
              "prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 0}},
    "timings": {"cache_n": 1, "prompt_n": 1, "predicted_n": 3}})"));
}

TEST(CompletionAnswer, HasAnAnswerForEveryPromptAndChoice) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Json{{"prompt", {"p", "q"}}, {"n", 2}});
  ASSERT_EQ(engine.submitted.size(), 2u);
  engine.Say(0, "a", Finish::kStop);
  engine.Say(1, "c", Finish::kStop);
  engine.Say(2, "b", Finish::kStop);
  engine.Say(3, "d", Finish::kStop);
  const Json choices = Json::parse(response->body)["choices"];
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(choices[i]["index"], i);
    EXPECT_EQ(choices[i]["text"], std::string(1, static_cast<char>('a' + i)));
  }
}

TEST(CompletionAnswer, ShowsLogprobsInTheirOldForm) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Json{{"prompt", "hi"}, {"logprobs", 1}});
  engine.Say(0, "ab", Finish::kStop);
  EXPECT_EQ(Json::parse(response->body)["choices"][0]["logprobs"], Json::parse(R"({
    "tokens": ["a", "b"], "token_logprobs": [-0.5, -0.5],
    "top_logprobs": [{"a": -0.5, "A": -0.25}, {"b": -0.5, "A": -0.25}], "text_offset": [0, 1]})"));
}

// How evaluation harnesses ask for the likelihood of a text.
TEST(CompletionAnswer, ScoresAnEchoedPromptWithoutAnAnswer) {
  ScriptedEngine engine;
  const auto response =
      ApiClient(engine).Post(kPath, Json{{"prompt", "hi"}, {"echo", true}, {"logprobs", 0}, {"max_tokens", 0}});
  engine.Tell(0, {.prompt_logprobs = {{.token = 'i', .logprob = -2}}});
  engine.Say(0, "a", Finish::kLength);
  const Json json = Json::parse(response->body);
  EXPECT_EQ(json["choices"][0]["text"], "hi");
  EXPECT_EQ(json["choices"][0]["logprobs"], Json::parse(R"({
    "tokens": ["h", "i"], "token_logprobs": [null, -2.0], "top_logprobs": [null, {"i": -2.0}], "text_offset": [0, 1]})"));
  EXPECT_EQ(json["usage"]["completion_tokens"], 0);
}

TEST(CompletionAnswer, EchoesAPromptOfTokens) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Json{{"prompt", {'h', 'i'}}, {"echo", true}});
  engine.Say(0, "a", Finish::kStop);
  EXPECT_EQ(Json::parse(response->body)["choices"][0]["text"], "hia");
}

TEST(CompletionStream, ShowsThePromptsLogprobsInItsFirstChunk) {
  for (const bool echo : {false, true}) {
    ScriptedEngine engine;
    const auto response =
        ApiClient(engine).Post(kPath, Json{{"prompt", "hi"}, {"echo", echo}, {"prompt_logprobs", 0}, {"stream", true}});
    engine.Tell(0, {.prompt_logprobs = {{.token = 'i', .logprob = -2}}});
    engine.Tell(0, {.tokens = {'a'}});
    engine.Say(0, "b", Finish::kStop);
    const std::vector<Json> events = response->Events();
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0]["choices"][0]["prompt_logprobs"][1]["105"]["logprob"], -2.0);
    EXPECT_FALSE(events[1]["choices"][0].contains("prompt_logprobs"));
  }
}

TEST(CompletionStream, EchoesThePromptInItsFirstChunk) {
  ScriptedEngine engine;
  const auto response =
      ApiClient(engine).Post(kPath, Json{{"prompt", "hi"}, {"echo", true}, {"logprobs", 0}, {"stream", true}});
  engine.Tell(0, {.prompt_logprobs = {{.token = 'i', .logprob = -2}}});
  EXPECT_EQ(response->body, "");
  engine.Say(0, "a");
  engine.Say(0, "b", Finish::kStop);
  const std::vector<Json> events = response->Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["choices"][0]["text"], "hia");
  EXPECT_EQ(events[0]["choices"][0]["logprobs"]["text_offset"], Json::parse("[0, 1, 2]"));
  EXPECT_EQ(events[1]["choices"][0]["logprobs"]["text_offset"], Json::parse("[3]"));
  EXPECT_EQ(events[1]["choices"][0]["finish_reason"], "stop");
}

// Most events of a stream differ in their text alone.
TEST(CompletionStream, EveryPieceOfTextIsEscapedWithinTheSameEvent) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Json{{"prompt", "hi"}, {"n", 2}, {"stream", true}});
  const std::vector<std::string> pieces = {"a", "\"quoted\"\n", "\xc3\xa9\x01\\", "the text"};
  for (const std::string& piece : pieces) {
    engine.Say(0, piece);
    engine.Say(1, piece);
  }
  const std::vector<Json> events = response->Events();
  ASSERT_EQ(events.size(), 2 * pieces.size());
  for (size_t i = 0; i < events.size(); ++i) {
    Json expected = events[0];
    expected["choices"][0]["index"] = i % 2;
    expected["choices"][0]["text"] = pieces[i / 2];
    EXPECT_EQ(events[i], expected) << i;
  }
}

TEST(CompletionStream, EndsWithTheUsageWhenAskedFor) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(
      kPath, Json{{"prompt", "hi"}, {"stream", true}, {"stream_options", {{"include_usage", true}}}});
  engine.Say(0, "ab", Finish::kStop);
  EXPECT_EQ(response->Events().back()["usage"]["total_tokens"], 4);
}

}  // namespace
}  // namespace engine
