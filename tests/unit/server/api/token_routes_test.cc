// /v1/models, /tokenize, /detokenize and rendering.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/server/api/api_builders.h"

namespace engine {
namespace {

Json Body(const std::shared_ptr<RecordingResponder>& response) { return Json::parse(response->body); }

TEST(Models, AreListedUnderEveryNameTheyHave) {
  ScriptedEngine engine;
  const ApiClient client(engine);
  const Json list = Body(client.Get("/v1/models"));
  EXPECT_EQ(list["object"], "list");
  ASSERT_EQ(list["data"].size(), 2u);
  EXPECT_EQ(list["data"][1]["id"], "alias");
  EXPECT_EQ(list["data"][0]["max_model_len"], 100);
  EXPECT_EQ(Body(client.Get("/v1/models/tiny")), list["data"][0]);
}

TEST(Tokenize, ReadsTextAsVllmAndLlamaCppAskForIt) {
  ScriptedEngine engine;
  const ApiClient client(engine);
  const Json want = Json::parse(R"({"count": 2, "max_model_len": 100, "tokens": [104, 105]})");
  EXPECT_EQ(Body(client.Post("/tokenize", Json{{"prompt", "hi"}})), want);
  EXPECT_EQ(Body(client.Post("/tokenize", Json{{"content", "hi"}, {"add_special", false}})), want);
  EXPECT_EQ(Body(client.Post("/tokenize", Json{{"prompt", "hi"}, {"return_token_strs", true}}))["token_strs"],
            Json::parse(R"(["h", "i"])"));
  EXPECT_EQ(Body(client.Post("/tokenize", Json{{"prompt", ""}}))["count"], 0);
  EXPECT_EQ(Body(client.Post("/tokenize", Json{{"prompt", "hi"}, {"messages", nullptr}})), want);
}

TEST(Tokenize, AddsWhatEachServersFormAdds) {
  ScriptedEngine engine;
  const ApiClient client(engine);
  const auto adds = [&](const Json& body) {
    EXPECT_EQ(client.Post("/tokenize", body)->status, 200);
    return engine.rendered.add_special_tokens;
  };
  EXPECT_TRUE(adds({{"prompt", "hi"}}));
  EXPECT_FALSE(adds({{"prompt", "hi"}, {"add_special_tokens", false}}));
  EXPECT_FALSE(adds({{"content", "hi"}})) << "as llama.cpp";
  EXPECT_TRUE(adds({{"content", "hi"}, {"add_special", true}}));
}

TEST(Requests, OfClientsThatHaveGoneAreNotRead) {
  ScriptedEngine engine;
  std::vector<std::function<void()>> posted;
  const auto keep = [&](Weight, std::function<void()> work) { posted.push_back(std::move(work)); };
  const std::vector<Route> routes = ApiRoutes({.models = {{"tiny", &engine}}, .version = "1", .post = keep});
  for (const Route& route : routes) {
    if (route.method != "POST") continue;
    const auto responder = std::make_shared<RecordingResponder>();
    route.handler(std::make_shared<const HttpRequest>(HttpRequest{.body = "no JSON"}), responder);
    responder->ended = true;
    posted.back()();
    EXPECT_EQ(responder->status, 0) << route.path;
  }
  EXPECT_EQ(posted.size(), 9u);
}

TEST(Tokenize, ReadsAChatAsItsTemplateRendersIt) {
  ScriptedEngine engine;
  const Json chat = Json::parse(R"({"messages": [{"role": "user", "content": "hi"}], "return_token_strs": true})");
  const Json tokens = Body(ApiClient(engine).Post("/tokenize", chat));
  EXPECT_EQ(tokens["count"], 8);
  EXPECT_EQ(tokens["token_strs"][0], "u");
}

TEST(Tokenize, UnknownFieldsAreRefused) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post("/tokenize", Json{{"prompt", "hi"}, {"promt", "hi"}});
  EXPECT_EQ(response->status, 400);
  EXPECT_THAT(response->body, ::testing::HasSubstr("did you mean prompt?"));
}

TEST(Tokenize, UnknownFieldsAreWarningsWhereReadingIsLenient) {
  ScriptedEngine engine;
  const ApiClient client(engine, /*lenient=*/true);
  const Json chat = Json::parse(R"({"messages": [{"role": "user", "content": "hi"}], "foo": 1})");
  for (const auto& [path, body] : {std::pair{"/tokenize", Json{{"prompt", "hi"}, {"foo", 1}}},
                                   {"/tokenize", chat},
                                   {"/detokenize", Json{{"tokens", {104}}, {"foo", 1}}},
                                   {"/v1/chat/completions/render", chat},
                                   {"/v1/messages/count_tokens", chat}}) {
    const auto response = client.Post(path, body);
    EXPECT_EQ(response->status, 200) << response->body;
    EXPECT_THAT(Body(response)["warnings"].dump(), ::testing::HasSubstr("foo is not a field")) << path;
  }
}

TEST(Detokenize, SpellsTokens) {
  ScriptedEngine engine;
  EXPECT_EQ(Body(ApiClient(engine).Post("/detokenize", Json{{"tokens", {104, 105}}})),
            Json::parse(R"({"prompt": "hi", "content": "hi"})"));
  EXPECT_EQ(ApiClient(engine).Post("/detokenize", Json{{"tokens", {"a"}}})->status, 400);
  for (const int unknown : {-1, 256}) {
    const auto response = ApiClient(engine).Post("/detokenize", Json{{"tokens", {104, unknown}}});
    EXPECT_EQ(Body(response)["error"]["param"], "tokens[1]") << response->body;
  }
}

TEST(RenderChat, ShowsThePromptThatARequestWouldHave) {
  ScriptedEngine engine;
  const Json chat = Json::parse(R"({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 3})");
  const Json prompt = Body(ApiClient(engine).Post("/v1/chat/completions/render", chat));
  EXPECT_EQ(prompt["prompt"], "user:hi|");
  EXPECT_EQ(prompt["count"], 8);
  EXPECT_TRUE(engine.submitted.empty());
}

}  // namespace
}  // namespace engine
