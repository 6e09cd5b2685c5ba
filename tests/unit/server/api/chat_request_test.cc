// What /v1/chat/completions reads, and what it refuses.
#include "server/api/chat_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api/common_fields.h"
#include "server/api/error_json.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kMessages[] = R"([{"role": "user", "content": "hi"}])";

ModelInfo Model() {
  ModelInfo info;
  info.chat_template = "tools enable_thinking documents reasoning_effort";
  return info;
}

// A body of one message and `more` fields.
absl::StatusOr<ApiRequest> Read(const std::string& more, bool lenient = false) {
  Json body = Json::parse(more);
  if (!body.contains("messages")) body["messages"] = Json::parse(kMessages);
  ApiRequest request{.lenient = lenient};
  RETURN_IF_ERROR(request.sent.Translate(ReadChatRequest(body, Model(), request)));
  return request;
}

std::string Refusal(const std::string& more) {
  const auto request = Read(more);
  return request.ok() ? "accepted" : std::string(Message(request.status()));
}

std::string RefusedMessages(const std::string& messages) { return Refusal(R"({"messages": )" + messages + "}"); }

TEST(ChatRequest, ReadsEverySamplingField) {
  const auto request = Read(R"({"temperature": 0.25, "top_k": 5, "top_p": 0.5, "min_p": 0.125, "seed": 7,
      "repetition_penalty": 1.5, "presence_penalty": 0.5, "frequency_penalty": -0.5, "logit_bias": {"12": 1, "3": -2.5},
      "max_completion_tokens": 9, "min_tokens": 2, "stop": ["a", "b"], "stop_token_ids": [4, 5], "ignore_eos": true,
      "include_stop_str_in_output": true, "logprobs": true, "top_logprobs": 3, "prompt_logprobs": 2, "n": 4})");
  ASSERT_TRUE(request.ok()) << request.status();
  const SamplingParams& sampling = request->sampling();
  EXPECT_EQ(sampling.temperature, 0.25f);
  EXPECT_EQ(sampling.top_k, 5);
  EXPECT_EQ(sampling.top_p, 0.5f);
  EXPECT_EQ(sampling.min_p, 0.125f);
  EXPECT_EQ(sampling.seed, 7u);
  EXPECT_EQ(sampling.repetition_penalty, 1.5f);
  EXPECT_EQ(sampling.presence_penalty, 0.5f);
  EXPECT_EQ(sampling.frequency_penalty, -0.5f);
  EXPECT_THAT(sampling.logit_bias, ElementsAre(Pair(12, 1.0f), Pair(3, -2.5f)));
  EXPECT_EQ(sampling.max_tokens, 9);
  EXPECT_EQ(sampling.min_tokens, 2);
  EXPECT_THAT(sampling.stop, ElementsAre("a", "b"));
  EXPECT_THAT(sampling.stop_token_ids, ElementsAre(4, 5));
  EXPECT_TRUE(sampling.ignore_eos && sampling.include_stop_in_output && request->logprobs);
  EXPECT_EQ(sampling.logprobs, 3);
  EXPECT_EQ(sampling.prompt_logprobs, 2);
  EXPECT_EQ(request->n, 4);
}

TEST(ChatRequest, ReadsWhatAnAnswerMayNotHave) {
  const auto request = Read(R"({"allowed_token_ids": [3, 1], "bad_words": ["x", "y z"], "thinking_token_budget": 0})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_THAT(request->generation.allowed_token_ids, ElementsAre(3, 1));
  EXPECT_THAT(request->generation.bad_words, ElementsAre("x", "y z"));
  EXPECT_EQ(request->generation.thinking_token_budget, 0);
  EXPECT_EQ(Refusal(R"({"allowed_token_ids": []})"), "allowed_token_ids is empty; it needs a token to draw");
  EXPECT_EQ(Refusal(R"({"bad_words": "x"})"), "bad_words is \"x\"; it must be an array");
}

TEST(ChatRequest, ReadsOtherServersNamesOfAField) {
  EXPECT_EQ(Read(R"({"max_tokens": 3})")->sampling().max_tokens, 3);
  EXPECT_EQ(Read(R"({"n_predict": 3})")->sampling().max_tokens, 3);
  EXPECT_EQ(Read(R"({"n_predict": -1})")->sampling().max_tokens, SamplingParams::kUntilContextIsFull);
  EXPECT_EQ(Read(R"({"min_new_tokens": 3})")->sampling().min_tokens, 3);
  EXPECT_EQ(Read(R"({"repeat_penalty": 1.5})")->sampling().repetition_penalty, 1.5f);
  EXPECT_EQ(Read(R"({"top_k": -1})")->sampling().top_k, 0);
  EXPECT_EQ(Read(R"({"seed": -1})")->sampling().seed, std::nullopt);
  EXPECT_THAT(Read(R"({"stop": "x"})")->sampling().stop, ElementsAre("x"));
}

TEST(ChatRequest, TwoNamesOfAFieldMustAgree) {
  EXPECT_EQ(Refusal(R"({"max_tokens": 3, "max_completion_tokens": 3, "n_predict": null})"), "accepted");
  EXPECT_EQ(Refusal(R"({"max_tokens": 3, "max_completion_tokens": 4})"),
            "max_completion_tokens and max_tokens say the same and differ; give one of them");
}

TEST(ChatRequest, NullIsTheSameAsNothing) {
  for (const ApiField& field : CommonFields()) {
    const auto request = Read(Json{{field.name, nullptr}}.dump());
    EXPECT_TRUE(request.ok()) << field.name << ": " << request.status();
  }
}

// Silent drops broke clients of other servers (dottxt-ai/outlines#1887).
TEST(ChatRequest, AnUnknownFieldIsRefusedByItsNameAndTheNearestOne) {
  EXPECT_EQ(Refusal(R"({"temprature": 1})"), "temprature is not a field of this request; did you mean temperature?");
  EXPECT_EQ(Refusal(R"({"qqqqqqqq": 1})"), "qqqqqqqq is not a field of this request");
  EXPECT_THAT(RefusedMessages(R"([{"role": "user", "content": "a", "contents": 1}])"),
              HasSubstr("messages[0].contents is not a field"));
  EXPECT_THAT(Refusal(R"({"stream": true, "stream_options": {"usage": 1}})"), HasSubstr("stream_options.usage is not"));
}

TEST(ChatRequest, AnUnsupportedFieldIsRefusedByItsNameWithTheReason) {
  EXPECT_EQ(Refusal(R"({"use_beam_search": true})"),
            "use_beam_search is not supported: answers are sampled; ask for several with n");
  const auto request = Read(R"({"logprob_token_ids": [1]})");
  EXPECT_THAT(ErrorJson(request.status()), HasSubstr(R"("param":"logprob_token_ids")"));
}

TEST(ChatRequest, AnUnsupportedFieldIsAcceptedWhereItAsksForWhatHappensAnyway) {
  for (const char* body : {R"({"use_beam_search": false})", R"({"length_penalty": 1})", R"({"mirostat": 0})",
                           R"({"modalities": ["text"]})", R"({"store": false})", R"({"xtc_probability": 0})"}) {
    EXPECT_EQ(Refusal(body), "accepted") << body;
  }
}

TEST(ChatRequest, AFieldThatIsNullIsNotThereWhateverItsName) {
  EXPECT_EQ(Refusal(R"({"foo": null, "messages": [{"role": "user", "content": "a", "async_": null}]})"), "accepted");
}

TEST(ChatRequest, LenientlyReadFieldsBecomeWarnings) {
  const auto request = Read(R"({"temprature": 1, "use_beam_search": true, "top_k": 3})", /*lenient=*/true);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->sampling().top_k, 3);
  EXPECT_THAT(request->warnings,
              ElementsAre("use_beam_search is not supported: answers are sampled; ask for several with n (ignored)",
                          "temprature is not a field of this request; did you mean temperature? (ignored)"));
  EXPECT_FALSE(Read(R"({"top_k": "x"})", /*lenient=*/true).ok());
}

TEST(ChatRequest, ValuesOfAnotherTypeAreRefusedWithWhatTheyAre) {
  EXPECT_EQ(Refusal(R"({"temperature": "hot"})"), "temperature is \"hot\"; it must be a number");
  EXPECT_EQ(Refusal(R"({"n": 1.5})"), "n is 1.5; it must be an integer");
  EXPECT_EQ(Refusal(R"({"n": true})"), "n is true; it must be an integer");
  EXPECT_EQ(Refusal(R"({"max_tokens": 1e300})"), "max_tokens is a number beyond every limit");
  EXPECT_EQ(Refusal(R"({"max_tokens": 4294967297})"), "max_tokens is a number beyond every limit");
  EXPECT_EQ(Refusal(R"({"temperature": 1e300})"), "temperature is a number beyond every limit");
  EXPECT_EQ(Refusal(R"({"stop": [1]})"), "stop[0] is 1; it must be a string");
  EXPECT_EQ(Refusal(R"({"stop": {}})"), "stop is an object; it must be a string or an array");
  EXPECT_EQ(Refusal(R"({"logit_bias": {"x": 1}})"), "logit_bias has the key \"x\"; keys must be token ids");
  EXPECT_EQ(Refusal(R"({"logit_bias": {"99999999999": 1}})"),
            "logit_bias has the key \"99999999999\"; keys must be token ids");
  EXPECT_EQ(Refusal(R"({"logprobs": true, "top_logprobs": -1})"), "top_logprobs is -1; it must be at least 0");
  EXPECT_EQ(Refusal(R"({"request_id": "a b"})"), "request_id may have printable ASCII characters only, and no blanks");
  EXPECT_EQ(Refusal(R"({"stream": 1})"), "stream is 1; it must be true or false");
}

TEST(ChatRequest, WholeNumbersMayBeWrittenWithAPoint) {
  EXPECT_EQ(Read(R"({"max_tokens": 16.0})")->sampling().max_tokens, 16);
}

TEST(ChatRequest, MoreThanTheLimitIsRefusedWithIt) {
  EXPECT_EQ(Refusal(R"({"n": 129})"), "n is 129; it must lie in [1, 128]");
  EXPECT_EQ(Refusal(Json{{"stop", std::vector<std::string>(33, "a")}}.dump()), "stop has 33 entries; it may have 32");
  EXPECT_EQ(Refusal(Json{{"stop", {"a", std::string(1025, 'a')}}}.dump()), "stop has 1025 bytes; it may have 1024");
  EXPECT_EQ(Refusal(Json{{"cache_salt", std::string(1025, 'a')}}.dump()),
            "cache_salt has 1025 bytes; it may have 1024");
  EXPECT_EQ(Refusal(Json{{"request_id", std::string(129, 'a')}}.dump()), "request_id has 129 bytes; it may have 128");
  Json many = Json::object();
  for (int i = 0; i < 300; ++i) many["f" + std::to_string(i)] = i;
  EXPECT_THAT(Refusal(many.dump()), HasSubstr("has 301 entries; it may have 256"));
}

TEST(ChatRequest, FieldsThatBelongTogetherAreCheckedTogether) {
  EXPECT_EQ(Refusal(R"({"top_logprobs": 2})"), "top_logprobs needs logprobs: true");
  EXPECT_EQ(Refusal(R"({"stream_options": {"include_usage": true}})"), "stream_options belongs to stream: true");
  EXPECT_EQ(Refusal(R"({"continue_final_message": true, "add_generation_prompt": true})"),
            "add_generation_prompt cannot be true with continue_final_message");
  EXPECT_EQ(Refusal(R"({"continue_final_message": true})"), "accepted");
}

TEST(ChatRequest, ReadsMessagesOfEveryRole) {
  const auto request = Read(R"({"messages": [
      {"role": "developer", "content": "d"},
      {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "name": "Ann"},
      {"role": "assistant", "content": null, "reasoning_content": "r", "tool_calls": [
          {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}},
          {"id": "2", "type": "function", "index": 1, "function": {"name": "g", "arguments": {"y": 2}}}]},
      {"role": "tool", "content": "21", "tool_call_id": "1"}]})");
  ASSERT_TRUE(request.ok()) << request.status();
  const std::vector<ChatMessage>& messages = request->generation.messages;
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].role, "system");  // the template does not know developers
  EXPECT_THAT(messages[1].parts, ElementsAre("a", "b"));
  EXPECT_EQ(messages[1].name, "Ann");
  EXPECT_EQ(messages[2].content, std::nullopt);
  EXPECT_EQ(messages[2].reasoning, "r");
  ASSERT_EQ(messages[2].tool_calls.size(), 2u);
  EXPECT_EQ(messages[2].tool_calls[0].arguments, "{\"x\": 1}");
  EXPECT_EQ(messages[2].tool_calls[1].arguments, "{\"y\":2}");
  EXPECT_EQ(messages[3].tool_call_id, "1");
}

TEST(ChatRequest, MessagesThatSayNothingAreRefused) {
  EXPECT_EQ(RefusedMessages("[]"), "messages is empty; a chat needs a message");
  EXPECT_EQ(RefusedMessages("null"), "messages is missing");
  EXPECT_EQ(RefusedMessages(R"([{"content": "a"}])"), "messages[0].role is missing");
  EXPECT_EQ(RefusedMessages(R"([{"role": "user"}])"), "messages[0].content is missing");
  EXPECT_EQ(RefusedMessages(R"([{"role": "assistant"}])"), "messages[0] has neither content nor tool_calls");
  EXPECT_THAT(RefusedMessages(R"([{"role": "king", "content": "a"}])"),
              HasSubstr("messages[0].role is \"king\"; it must be one of \"system\""));
  EXPECT_EQ(RefusedMessages(R"([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}])"),
            "messages[0].content[0].type is \"image_url\"; the model reads parts of type \"text\"");
  EXPECT_EQ(RefusedMessages(R"([{"role": "user", "content": 3}])"),
            "messages[0].content is 3; it must be a string or an array");
  EXPECT_EQ(RefusedMessages(R"([{"role": "user", "content": [{"type": "text"}]}])"),
            "messages[0].content[0].text is missing");
  EXPECT_EQ(RefusedMessages("[7]"), "messages[0] is 7; it must be an object");
}

constexpr char kTool[] = R"({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}})";

TEST(ChatRequest, KeepsToolsAsTheyAreWritten) {
  const auto request =
      Read(absl::StrFormat(R"({"tools": [%s], "tool_choice": "required", "parallel_tool_calls": false})", kTool));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->generation.tools, "[" + Json::parse(kTool).dump() + "]");
  EXPECT_EQ(request->generation.tool_choice.kind, ToolChoice::Kind::kRequired);
  EXPECT_FALSE(request->generation.tool_choice.parallel);
}

TEST(ChatRequest, TheModelIsNotShownWhatAToolSaysWithoutAMeaning) {
  constexpr char kPadded[] = R"({"type": "function", "async": null, "function": {"name": "f", "description": null,
                                 "parameters": {"type": "object"}, "strict": null, "defer": null}})";
  const Json tool = Json::parse(kPadded);
  for (const Json& body :
       {Json{{"tools", Json::array({tool})}}, Json{{"functions", Json::array({tool["function"]})}}}) {
    const auto request = Read(body.dump());
    ASSERT_TRUE(request.ok()) << request.status();
    EXPECT_EQ(request->generation.tools, "[" + Json::parse(kTool).dump() + "]");
  }
}

TEST(ChatRequest, ToolsWithMistakesAreRefusedWithTheirPlace) {
  const auto refusal = [](const std::string& tools) { return Refusal(R"({"tools": )" + tools + "}"); };
  EXPECT_EQ(refusal(R"([{"type": "function"}])"), "tools[0].function is missing");
  EXPECT_EQ(refusal(R"([{"type": "function", "function": {}}])"), "tools[0].function.name is missing");
  EXPECT_THAT(refusal(R"([{"type": "function", "function": {"name": "a b"}}])"),
              HasSubstr("tools[0].function.name must"));
  EXPECT_THAT(refusal(R"([{"type": "mcp", "function": {"name": "a"}}])"), HasSubstr("tools[0].type is not supported"));
  EXPECT_EQ(refusal(absl::StrFormat("[%s, %s]", kTool, kTool)), "tools[1].function.name is f, which another tool has");
  EXPECT_THAT(refusal(R"([{"type": "function", "function": {"name": "a", "parameters": 3}}])"),
              HasSubstr("tools[0].function.parameters is 3; it must be an object"));
  EXPECT_EQ(refusal(R"([{"type": "function", "function": {"name": "a", "parameters": {"type": "array"}}}])"),
            "tools[0].function.parameters.type is \"array\"; it must be \"object\", which arguments are");
}

TEST(ChatRequest, ToolsThatTheTemplateDoesNotShowAreRefused) {
  const auto refusal = [](const std::string& more) {
    Json body = Json::parse(absl::StrFormat(R"({"messages": %s, "tools": [%s]})", kMessages, kTool));
    body.update(Json::parse(more));
    ApiRequest request;
    return std::string(Message(ReadChatRequest(body, ModelInfo(), request)));
  };
  EXPECT_EQ(refusal("{}"), "tools is not supported: the model's chat template does not show them to the model");
  EXPECT_EQ(refusal(R"({"tool_choice": "none"})"), "");
}

TEST(ChatRequest, ReadsANamedTool) {
  const auto read = [](const char* choice) {
    return Read(absl::StrFormat(R"({"tools": [%s], "tool_choice": %s})", kTool, choice));
  };
  const auto request = read(R"({"type": "function", "function": {"name": "f"}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->generation.tool_choice.kind, ToolChoice::Kind::kNamed);
  EXPECT_EQ(request->generation.tool_choice.name, "f");
  EXPECT_EQ(Message(read(R"({"type": "function", "function": {"name": "g"}})").status()),
            "tool_choice names g, which is not one of tools");
  EXPECT_EQ(Refusal(R"({"tool_choice": "required"})"), "tool_choice needs tools");
  EXPECT_EQ(Refusal(R"({"tool_choice": "none"})"), "accepted");
  EXPECT_THAT(std::string(Message(read("\"any\"").status())), HasSubstr("tool_choice is \"any\"; it must be one of"));
}

TEST(ChatRequest, ReadsToolsUnderTheirOldName) {
  const auto request = Read(R"({"functions": [{"name": "f"}], "function_call": {"name": "f"}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->generation.tools, R"([{"type":"function","function":{"name":"f"}}])");
  EXPECT_EQ(request->generation.tool_choice.name, "f");
  EXPECT_TRUE(request->legacy_functions);
}

TEST(ChatRequest, PassesOnWhatTheTemplateReads) {
  const auto request = Read(R"({"enable_thinking": true, "reasoning_effort": "low", "documents": [{"a": 1}],
                                "chat_template_kwargs": {"enable_thinking": true}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(Refusal(R"({"enable_thinking": false, "chat_template_kwargs": {"enable_thinking": true}})"),
            "enable_thinking and another field say the same and differ; give one of them");
  EXPECT_THAT(request->generation.template_kwargs, HasSubstr(R"("reasoning_effort":"low","documents":[{"a":1}])"));
}

TEST(ChatRequest, NamesVariablesThatTheTemplateDoesNotReadAsTheyWereSent) {
  const auto refusal = [](const char* more) {
    Json body = Json::parse(more);
    body["messages"] = Json::parse(kMessages);
    ModelInfo model;
    model.chat_template = "{{ messages }}";
    ApiRequest request;
    return FieldOf(request.sent.Translate(ReadChatRequest(body, model, request)));
  };
  EXPECT_EQ(refusal(R"({"enable_thinking": false})"), "enable_thinking");
  EXPECT_EQ(refusal(R"({"reasoning_effort": "low"})"), "reasoning_effort");
  EXPECT_EQ(refusal(R"({"chat_template_kwargs": {"enable_thinking": false}})"), "chat_template_kwargs.enable_thinking");
  EXPECT_EQ(refusal(R"({"chat_template_kwargs": {"x.y": 1}})"), "chat_template_kwargs.x.y");
}

TEST(ChatRequest, RefusesVariablesThatTheTemplateDoesNotRead) {
  EXPECT_EQ(Refusal(R"({"chat_template_kwargs": {"builtin_tools": []}})"),
            "chat_template_kwargs.builtin_tools is not supported: the model's chat template does not read it");
  EXPECT_THAT(Refusal(R"({"chat_template": "{{ x }}"})"), HasSubstr("chat_template is not supported"));
}

}  // namespace
}  // namespace engine
