// The Anthropic API: /v1/messages and count_tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api/messages_request.h"
#include "tests/unit/server/api/api_builders.h"

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kPath[] = "/v1/messages";

Json Body(const Json& more = Json::object()) {
  Json body = Json::parse(R"({"model": "tiny", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})");
  body.update(more);
  return body;
}

absl::StatusOr<ApiRequest> Read(const std::string& more, bool tells_reasoning = true) {
  ApiRequest request;
  ModelInfo model;
  model.tells_reasoning = tells_reasoning;
  model.chat_template = "enable_thinking tools";
  RETURN_IF_ERROR(ReadMessagesRequest(Body(Json::parse(more)), model, request));
  return request;
}

std::string Refusal(const std::string& more) {
  const auto request = Read(more);
  return request.ok() ? "accepted" : std::string(Message(request.status()));
}

TEST(MessagesRequest, AnOperatorMaySayThatModelsThinkUnasked) {
  ApiRequest request;
  ModelInfo model;
  model.chat_template = "enable_thinking";
  model.chat_template_kwargs = R"({"enable_thinking": true})";
  ASSERT_TRUE(ReadMessagesRequest(Body(Json::object()), model, request).ok());
  EXPECT_EQ(request.generation.template_kwargs, "{}");
}

TEST(MessagesRequest, ReadsSamplingUnderItsNames) {
  const auto request = Read(R"({"temperature": 0.5, "top_k": 3, "top_p": 0.25, "stop_sequences": ["a", "b"]})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->sampling().max_tokens, 9);
  EXPECT_EQ(request->sampling().temperature, 0.5f);
  EXPECT_EQ(request->sampling().top_k, 3);
  EXPECT_THAT(request->sampling().stop, ElementsAre("a", "b"));
}

TEST(MessagesRequest, RefusesATextThatIsNull) {
  EXPECT_EQ(Refusal(R"({"system": [{"type": "text", "text": null}]})"), "system[0].text is missing");
  EXPECT_EQ(Refusal(R"({"messages": [{"role": "user", "content": [{"type": "text", "text": null}]}]})"),
            "messages[0].content[0].text is missing");
}

TEST(MessagesRequest, RefusesParametersOfAToolUnderAnotherName) {
  EXPECT_EQ(Refusal(R"({"tools": [{"name": "f", "input_schema": {}, "parameters": {}}]})"),
            "tools[0].parameters is not supported: input_schema is its name here");
}

TEST(MessagesRequest, MakesAChatOfItsBlocks) {
  const auto request = Read(R"({"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
    "messages": [
      {"role": "user", "content": [{"type": "text", "text": "a"}]},
      {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "x"},
          {"type": "text", "text": "b"}, {"type": "tool_use", "id": "1", "name": "f", "input": {"x": 1}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "21"},
          {"type": "tool_result", "tool_use_id": "2", "content": [{"type": "text", "text": "22"}], "is_error": true},
          {"type": "text", "text": "c"}]}]})");
  ASSERT_TRUE(request.ok()) << request.status();
  const std::vector<ChatMessage>& messages = request->generation.messages;
  ASSERT_EQ(messages.size(), 6u);
  EXPECT_EQ(messages[0].role, "system");
  EXPECT_THAT(messages[0].parts, ElementsAre("s"));
  EXPECT_EQ(messages[2].reasoning, "hm");
  EXPECT_EQ(messages[2].tool_calls.at(0).arguments, R"({"x":1})");
  EXPECT_EQ(messages[3].role, "tool");
  EXPECT_EQ(messages[3].tool_call_id, "1");
  EXPECT_EQ(messages[3].content, "21");
  EXPECT_THAT(messages[4].parts, ElementsAre("22"));
  EXPECT_THAT(messages[5].parts, ElementsAre("c"));
}

// Answers are cut within their thoughts, and clients send them back.
TEST(MessagesRequest, ATurnMayBeThoughtsAloneAndIsSkippedWhereNobodyCanReadThem) {
  const auto request = Read(R"({"messages": [
      {"role": "user", "content": "a"},
      {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": ""}]},
      {"role": "user", "content": "b"},
      {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]},
      {"role": "user", "content": "c"}]})");
  ASSERT_TRUE(request.ok()) << request.status();
  const std::vector<ChatMessage>& messages = request->generation.messages;
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[1].reasoning, "hm");
  EXPECT_EQ(messages[3].content, "c");
  EXPECT_EQ(
      Refusal(R"({"messages": [{"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]}]})"),
      "messages has nothing that the model can read");
  EXPECT_EQ(Refusal(R"({"messages": [{"role": "assistant", "content": []}]})"), "messages[0].content is missing");
}

TEST(MessagesRequest, WordsOfTheAssistantAtTheEndGoOn) {
  const auto goes_on = [](const std::string& last) {
    const auto request = Read(R"({"messages": [{"role": "user", "content": "a"}, )" + last + "]}");
    EXPECT_TRUE(request.ok()) << request.status();
    return request->generation.continue_final_message;
  };
  EXPECT_TRUE(goes_on(R"({"role": "assistant", "content": "b"})"));
  EXPECT_TRUE(goes_on(R"({"role": "assistant", "content": [{"type": "text", "text": "b"}]})"));
  EXPECT_FALSE(goes_on(R"({"role": "user", "content": "b"})"));
  EXPECT_FALSE(goes_on(R"({"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f"}]})"));
}

TEST(MessagesRequest, GivesToolsTheFormThatTemplatesKnow) {
  const auto request = Read(R"({"tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
                                "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->generation.tools,
            R"([{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}])");
  EXPECT_EQ(request->generation.tool_choice.kind, ToolChoice::Kind::kNamed);
  EXPECT_EQ(request->generation.tool_choice.name, "f");
  EXPECT_FALSE(request->generation.tool_choice.parallel);
}

TEST(MessagesRequest, ASystemPromptAloneIsNoConversation) {
  EXPECT_EQ(Refusal(R"({"system": "s", "messages": null})"), "messages is missing");
  EXPECT_EQ(Refusal(R"({"max_tokens": null})"), "max_tokens is missing");
}

TEST(MessagesRequest, RefusesABodyThatIsNoObject) {
  ApiRequest request;
  EXPECT_FALSE(ReadMessagesRequest(Json(0), ModelInfo(), request).ok());
}

TEST(MessagesRequest, ThinkingIsTheTemplatesVariable) {
  const auto thinks = Read(R"({"thinking": {"type": "enabled", "budget_tokens": 1024}})");
  EXPECT_EQ(thinks->generation.template_kwargs, R"({"enable_thinking":true})");
  EXPECT_EQ(thinks->generation.thinking_token_budget, 1024);
  const auto cannot = Read(R"({"thinking": {"type": "enabled", "budget_tokens": 1024}})", /*tells_reasoning=*/false);
  EXPECT_EQ(cannot->generation.thinking_token_budget, std::nullopt) << "it keeps any budget";
  const auto silent = Read("{}");
  EXPECT_EQ(silent->generation.template_kwargs, R"({"enable_thinking":false})") << "as with Anthropic";
  EXPECT_EQ(Read(R"({"thinking": {"type": "adaptive"}})")->generation.template_kwargs, "{}");
  const auto request = Read(R"({"thinking": {"type": "disabled"}})");
  EXPECT_EQ(request->generation.template_kwargs, R"({"enable_thinking":false})");
  EXPECT_FALSE(request->include_reasoning);
}

TEST(MessagesRequest, AFormOfAnswerIsASchema) {
  constexpr char kFormat[] = R"({"type": "json_schema", "schema": {"type": "object"}})";
  EXPECT_EQ(Read(absl::StrFormat(R"({"output_config": {"format": %s}})", kFormat))->generation.grammar.text,
            R"({"type":"object"})");
  EXPECT_EQ(Read(absl::StrFormat(R"({"output_format": %s})", kFormat))->generation.grammar.text,
            R"({"type":"object"})");
  EXPECT_THAT(Refusal(R"({"output_config": {"effort": "low"}})"), HasSubstr("does not read it"));
}

TEST(MessagesRequest, WhatItCannotReadIsRefusedWithItsPlace) {
  EXPECT_EQ(Refusal(R"({"foo": 1})"), "foo is not a field of this request");
  EXPECT_THAT(Refusal(R"({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]})"),
              HasSubstr("messages[0].content[0].type is \"image\""));
  EXPECT_THAT(Refusal(R"({"messages": [{"role": "user", "content": [{"type": "text", "txt": "a"}]}]})"),
              HasSubstr("messages[0].content[0].txt is not a field"));
  EXPECT_EQ(Refusal(R"({"system": [{"type": "text"}]})"), "system[0].text is missing");
  EXPECT_THAT(Refusal(R"({"tools": [{"type": "web_search_20250305", "name": "w"}]})"),
              HasSubstr("tools[0].type is not supported"));
  EXPECT_EQ(Refusal(R"({"messages": []})"), "messages is empty; a chat needs a message");
}

TEST(MessagesAnswer, IsWhatAnthropicClientsRead) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Body());
  engine.Tell(0, {.reasoning = "hm", .tokens = {1}, .cached_tokens = 3});
  engine.Tell(0, {.text = "a", .tokens = {2}});
  GenerationUpdate call{.tokens = {3}, .finish = Finish::kStop};
  call.tool_calls.push_back({.index = 0, .piece = {.id = "own", .name = "f", .arguments = R"({"x": 1})"}});
  engine.Tell(0, call);
  EXPECT_EQ(Json::parse(response->body), Json::parse(R"({"id": "msg_id1", "type": "message", "role": "assistant",
    "model": "tiny", "content": [{"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": "a"},
      {"type": "tool_use", "id": "own", "name": "f", "input": {"x": 1}}],
    "stop_reason": "tool_use", "stop_sequence": null,
    "usage": {"input_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 3, "output_tokens": 3}})"));
}

TEST(MessagesAnswer, SaysWhyItEnded) {
  const auto end = [](const GenerationUpdate& last) {
    ScriptedEngine engine;
    const auto response = ApiClient(engine).Post(kPath, Body());
    engine.Tell(0, last);
    const Json json = Json::parse(response->body);
    return std::pair(json["stop_reason"], json["stop_sequence"]);
  };
  EXPECT_EQ(end({.tokens = {1}, .finish = Finish::kStop}), std::pair(Json("end_turn"), Json()));
  EXPECT_EQ(end({.tokens = {1}, .finish = Finish::kLength}), std::pair(Json("max_tokens"), Json()));
  EXPECT_EQ(end({.tokens = {1}, .finish = Finish::kStop, .stop_string = "x"}),
            std::pair(Json("stop_sequence"), Json("x")));
}

// The names and the data of a stream's events.
std::vector<std::pair<std::string, Json>> Events(const std::string& body) {
  std::vector<std::pair<std::string, Json>> events;
  for (std::string_view rest = body; !rest.empty();) {
    const size_t line = rest.find('\n'), end = rest.find("\n\n");
    constexpr std::string_view kName = "event: ", kData = "\ndata: ";
    EXPECT_TRUE(rest.starts_with(kName) && rest.substr(line).starts_with(kData)) << rest;
    const size_t data = line + kData.size();
    events.emplace_back(rest.substr(kName.size(), line - kName.size()), Json::parse(rest.substr(data, end - data)));
    EXPECT_EQ(events.back().second["type"], events.back().first);
    rest.remove_prefix(end + 2);
  }
  return events;
}

TEST(MessagesStream, OpensAndClosesABlockForEveryKindOfContent) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Body({{"stream", true}}));
  engine.Tell(0, {.reasoning = "h", .tokens = {1}});
  engine.Tell(0, {.text = "a", .reasoning = "m", .tokens = {1}});
  GenerationUpdate call{.tokens = {3}};
  call.tool_calls.push_back({.index = 0, .piece = {.id = "own", .name = "f", .arguments = "{"}});
  engine.Tell(0, call);
  call.tool_calls[0].piece = {.arguments = "}"};
  engine.Tell(0, call);
  engine.Tell(0, {.finish = Finish::kStop});
  const auto events = Events(response->body);
  std::vector<std::string> names;
  for (const auto& [name, data] : events) names.push_back(name.substr(name.rfind('_') + 1));
  EXPECT_THAT(names, ElementsAre("start", "start", "delta", "delta", "stop", "start", "delta", "stop", "start", "delta",
                                 "delta", "stop", "delta", "stop"));
  EXPECT_EQ(events[0].second["message"]["content"], Json::array());
  EXPECT_EQ(events[2].second["delta"], Json::parse(R"({"type": "thinking_delta", "thinking": "h"})"));
  EXPECT_EQ(events[6].second["delta"], Json::parse(R"({"type": "text_delta", "text": "a"})"));
  EXPECT_EQ(events[8].second["content_block"],
            Json::parse(R"({"type": "tool_use", "id": "own", "name": "f", "input": {}})"));
  EXPECT_EQ(events[10].second, Json::parse(R"({"type": "content_block_delta", "index": 2,
                                               "delta": {"type": "input_json_delta", "partial_json": "}"}})"));
  EXPECT_EQ(events[12].second["delta"]["stop_reason"], "tool_use");
  EXPECT_TRUE(response->ended);
}

TEST(MessagesAnswer, ErrorsHaveTheShapeThatAnthropicClientsRead) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Json{{"model", "tiny"}});
  EXPECT_EQ(response->status, 400);
  EXPECT_EQ(Json::parse(response->body), Json::parse(R"({"type": "error", "error": {"type": "invalid_request_error",
                                                         "message": "max_tokens is missing"}})"));
  const auto missing = ApiClient(engine).Post(kPath, Body({{"model", "claude"}}));
  EXPECT_EQ(Json::parse(missing->body)["error"]["type"], "not_found_error");
}

// Clients that have the server keep a conversation would send only what is new; by this code they know that it does not.
TEST(MessagesAnswer, AThreadIsRefusedInWordsThatClientsRecoverFrom) {
  for (const bool lenient : {false, true}) {
    ScriptedEngine engine;
    const auto response = ApiClient(engine, lenient).Post(kPath, Body({{"thread", {{"type", "create"}}}}));
    EXPECT_EQ(response->status, 400);
    EXPECT_EQ(Json::parse(response->body)["error"]["details"], Json({{"error_code", "thread_unsupported_request"}}));
  }
}

TEST(MessagesAnswer, ErrorsBeforeTheHandlerHaveThatShapeToo) {
  ScriptedEngine engine;
  const ApiClient client(engine);
  int routes = 0;
  for (const Route& route : client.routes()) {
    const bool is_anthropic = route.path.starts_with(kPath);
    EXPECT_EQ(Json::parse(route.write_error(401, "no", "", "")).value("type", ""), is_anthropic ? "error" : "");
    routes += is_anthropic;
  }
  EXPECT_EQ(routes, 2);
}

TEST(CountTokens, CountsThePromptWithoutRunningIt) {
  ScriptedEngine engine;
  Json without = Body(), whole = Body();
  without.erase("max_tokens");
  whole.update({{"stream", true}, {"temperature", 0.5}, {"stop_sequences", {"x"}}});
  for (const Json& body : {without, whole}) {
    EXPECT_EQ(ApiClient(engine).Post("/v1/messages/count_tokens", body)->body, R"({"input_tokens":8})");
  }
  EXPECT_TRUE(engine.submitted.empty());
}

}  // namespace
}  // namespace engine
