// /v1/responses, of which the server keeps none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api/responses_request.h"
#include "tests/unit/server/api/api_builders.h"

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kPath[] = "/v1/responses";

absl::StatusOr<ApiRequest> Read(const std::string& more) {
  Json body = Json::parse(R"({"input": "hi"})");
  body.update(Json::parse(more));
  ApiRequest request;
  ModelInfo model;
  model.chat_template = "reasoning_effort tools";
  RETURN_IF_ERROR(ReadResponsesRequest(body, model, request));
  return request;
}

std::string Refusal(const std::string& more) {
  const auto request = Read(more);
  return request.ok() ? "accepted" : std::string(Message(request.status()));
}

TEST(ResponsesRequest, WarningsNameFieldsAsTheyWereSent) {
  ApiRequest request{.lenient = true};
  const Json body = Json::parse(R"({"input": "hi", "tools": [{"type": "function", "name": "f", "qqqq": 1}]})");
  ASSERT_TRUE(ReadResponsesRequest(body, {.chat_template = "tools"}, request).ok());
  EXPECT_EQ(request.warnings, std::vector<std::string>{"tools[0].qqqq is not a field of this request (ignored)"});
}

TEST(ResponsesRequest, MakesAChatOfItsItems) {
  const auto request = Read(R"({"instructions": "s", "input": [
      {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
      {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
      {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
      {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
      {"type": "function_call", "call_id": "2", "name": "g", "arguments": "{}"},
      {"type": "function_call_output", "call_id": "1", "output": "21"}]})");
  ASSERT_TRUE(request.ok()) << request.status();
  const std::vector<ChatMessage>& messages = request->generation.messages;
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].content, "s");
  EXPECT_THAT(messages[1].parts, ElementsAre("a"));
  EXPECT_EQ(messages[2].reasoning, "hm");
  EXPECT_THAT(messages[2].parts, ElementsAre("b"));
  EXPECT_EQ(messages[2].tool_calls.size(), 2u);
  EXPECT_EQ(messages[3].role, "tool");
  EXPECT_EQ(messages[3].tool_call_id, "1");
}

TEST(ResponsesRequest, ReadsWhatAChatReadsUnderItsOwnNames) {
  const auto request = Read(R"({"max_output_tokens": 9, "temperature": 0.5, "reasoning": {"effort": "low"},
      "text": {"format": {"type": "json_schema", "name": "n", "strict": true, "schema": {"type": "object"}}},
      "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": true}],
      "tool_choice": {"type": "function", "name": "f"}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->sampling().max_tokens, 9);
  EXPECT_EQ(request->generation.template_kwargs, R"({"reasoning_effort":"low"})");
  EXPECT_EQ(request->generation.grammar.text, R"({"type":"object"})");
  EXPECT_EQ(request->generation.tool_choice.name, "f");
  EXPECT_EQ(request->generation.tools,
            R"([{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":true}}])");
}

TEST(ResponsesRequest, RefusesWhatNeedsStoredResponses) {
  EXPECT_THAT(Refusal(R"({"previous_response_id": "resp_1"})"), HasSubstr("the server keeps no responses"));
  EXPECT_THAT(Refusal(R"({"store": true})"), HasSubstr("store is not supported"));
  EXPECT_THAT(Refusal(R"({"tools": [{"type": "web_search"}]})"), HasSubstr("tools[0].type is not supported"));
  EXPECT_THAT(Refusal(R"({"input": [{"role": "user", "content": [{"type": "input_image"}]}]})"),
              HasSubstr("input[0].content[0].type is \"input_image\""));
  EXPECT_EQ(Refusal(R"({"max_output_tokens": 0})"), "max_output_tokens is 0; it must be at least 1");
  EXPECT_EQ(Refusal(R"({"max_tokens": 3})"), "max_tokens is not a field of this request");
}

TEST(ResponsesRequest, AClientThatSendsOnlyWhatIsNewIsNeverHeardInPart) {
  for (const char* field : {"previous_response_id", "conversation"}) {
    ApiRequest request{.lenient = true};
    const absl::Status read = ReadResponsesRequest({{"input", "hi"}, {field, "1"}}, {}, request);
    EXPECT_THAT(std::string(Message(read)), HasSubstr("the server keeps no responses")) << field;
  }
}

TEST(ResponsesRequest, RefusesInstructionsAlone) {
  EXPECT_EQ(Refusal(R"({"input": null, "instructions": "Be brief."})"), "input is missing");
  EXPECT_EQ(Refusal(R"({"input": [], "instructions": "Be brief."})"), "input is missing");
}

GenerationUpdate Called() {
  GenerationUpdate update{.tokens = {3}};
  update.tool_calls.push_back({.index = 0, .piece = {.id = "own", .name = "f", .arguments = "{}"}});
  return update;
}

constexpr char kOutput[] = R"([
  {"id": "rs_id1", "type": "reasoning", "status": "completed", "summary": [],
   "content": [{"type": "reasoning_text", "text": "hm"}]},
  {"id": "msg_id1_1", "type": "message", "status": "completed", "role": "assistant",
   "content": [{"type": "output_text", "text": "ab", "annotations": [], "logprobs": []}]},
  {"id": "fc_own_2", "type": "function_call", "status": "completed", "call_id": "own", "name": "f", "arguments": "{}"}])";

TEST(ResponsesAnswer, IsWhatOpenAiClientsRead) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Json{{"input", "hi"}});
  engine.Tell(0, {.reasoning = "hm", .tokens = {1}, .cached_tokens = 3, .reasoning_tokens = 1});
  engine.Tell(0, {.text = "ab", .tokens = {2}});
  engine.Tell(0, Called());
  engine.Tell(0, {.finish = Finish::kStop});
  const Json json = Json::parse(response->body);
  EXPECT_EQ(json["output"], Json::parse(kOutput));
  EXPECT_EQ(json["status"], "completed");
  EXPECT_EQ(json["usage"], Json::parse(R"({"input_tokens": 8, "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 11})"));
}

TEST(ResponsesAnswer, AnAnswerThatIsCutIsIncomplete) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Json{{"input", "hi"}});
  engine.Say(0, "a", Finish::kLength);
  const Json json = Json::parse(response->body);
  EXPECT_EQ(json["status"], "incomplete");
  EXPECT_EQ(json["incomplete_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(json["output"][0]["status"], "incomplete");
}

// The data of a stream's events.
std::vector<Json> DataOf(std::string_view body) {
  std::vector<Json> events;
  for (; !body.empty(); body.remove_prefix(body.find("\n\n") + 2)) {
    const std::string_view data = body.substr(body.find("\ndata: ") + 7);
    events.push_back(Json::parse(data.substr(0, data.find("\n\n"))));
  }
  return events;
}

TEST(ResponsesStream, AnItemThatIsCutIsDoneAndIncomplete) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Json{{"input", "hi"}, {"stream", true}});
  engine.Tell(0, {.reasoning = "hm", .tokens = {1}});
  engine.Say(0, "a", Finish::kLength);
  std::vector<std::string> done;
  for (const Json& event : DataOf(response->body)) {
    if (event["type"] == "response.output_item.done") done.push_back(event["item"]["status"]);
  }
  EXPECT_THAT(done, ElementsAre("completed", "incomplete"));
}

TEST(ResponsesStream, NumbersItsEventsAndEndsWithTheWholeResponse) {
  ScriptedEngine engine;
  const auto response = ApiClient(engine).Post(kPath, Json{{"input", "hi"}, {"stream", true}});
  engine.Tell(0, {.reasoning = "hm", .tokens = {1}});
  engine.Say(0, "a");
  engine.Say(0, "b");
  engine.Tell(0, Called());
  engine.Tell(0, {.finish = Finish::kStop});
  std::vector<std::string> names;
  const std::vector<Json> events = DataOf(response->body);
  for (const Json& event : events) {
    EXPECT_EQ(event["sequence_number"], names.size());
    names.push_back(event["type"].get<std::string>().substr(std::string_view("response.").size()));
  }
  EXPECT_THAT(names, ElementsAre("created", "in_progress", "output_item.added", "reasoning_text.delta",
                                 "reasoning_text.done", "output_item.done", "output_item.added", "content_part.added",
                                 "output_text.delta", "output_text.delta", "output_text.done", "content_part.done",
                                 "output_item.done", "output_item.added", "function_call_arguments.delta",
                                 "function_call_arguments.done", "output_item.done", "completed"));
  EXPECT_EQ(events.back()["response"]["output"], Json::parse(kOutput));
  EXPECT_TRUE(response->ended);
}

}  // namespace
}  // namespace engine
