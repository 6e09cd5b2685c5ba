#include "engine/chat_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/field_error.h"
#include "tests/unit/text/goldens.h"

namespace engine {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

ModelText TextWith(const std::string& source) {
  ModelText text;
  text.chat_template = *ChatTemplate::Compile(source);
  text.template_traits = FindTraits(*text.chat_template);
  text.bos_token = "<s>";
  text.eos_token = "</s>";
  return text;
}

// What the template makes of the request, or why it refuses.
std::string Rendered(const ModelText& text, const GenerationRequest& request) {
  const auto context = ChatContext(text, request);
  const auto rendered = context.ok() ? text.chat_template->Render(*context) : context.status();
  return rendered.ok() ? *rendered : std::string(rendered.status().message());
}

std::string Rendered(const std::string& source, const GenerationRequest& request) {
  return Rendered(TextWith(source), request);
}

// A message of the goldens as a program that uses the engine would write it.
ChatMessage MessageOf(const Json& json) {
  ChatMessage message{.role = json["role"], .content = json["content"].get<std::string>()};
  for (const Json& call : json.value("tool_calls", Json::array())) {
    message.tool_calls.push_back({.name = call["function"]["name"], .arguments = call["function"]["arguments"].dump()});
  }
  return message;
}

GenerationRequest RequestOf(const Json& context) {
  GenerationRequest request;
  Json kwargs = Json::object();
  for (const auto& [key, value] : context.items()) {
    if (key == "messages") {
      for (const Json& message : value) request.messages.push_back(MessageOf(message));
    } else if (key == "tools") {
      request.tools = value.dump();
    } else if (key == "add_generation_prompt") {
      request.add_generation_prompt = value;
    } else if (key != "bos_token" && key != "eos_token") {
      kwargs[key] = value;
    }
  }
  request.template_kwargs = kwargs.dump();
  return request;
}

// The goldens are Python's renderings of published forms of templates.
TEST(ChatContext, RendersChatsAsPythonDoes) {
  int compared = 0;
  for (const Json& golden : ReadGoldens("templates.json")) {
    if (!golden.contains("file") || golden["name"].get<std::string>().ends_with(".parts")) continue;
    const ModelText text = TextWith(ReadText("templates/" + golden["file"].get<std::string>()));
    const std::string want = golden.contains("text") ? golden["text"] : golden["error"];
    EXPECT_THAT(Rendered(text, RequestOf(golden["context"])), HasSubstr(want)) << golden["name"];
    ++compared;
  }
  EXPECT_GE(compared, 40);
}

TEST(ChatContext, KeepsTheOrderOfAToolsFields) {
  GenerationRequest request{.messages = {{"user", "u"}}};
  request.tools = R"([{"z": 1, "a": {"y": 2, "b": 3}}])";
  EXPECT_EQ(Rendered("{{ tools | tojson }}", request), R"([{"z": 1, "a": {"y": 2, "b": 3}}])");
}

TEST(ChatContext, GivesPartsToTemplatesThatReadThemAndLinesToOthers) {
  ChatMessage message{.role = "user"};
  message.parts = {"one", "two"};
  const GenerationRequest request{.messages = {message}};
  EXPECT_EQ(Rendered("{{ messages[0].content }}", request), "one\ntwo");
  EXPECT_EQ(Rendered("{% for p in messages[0].content %}[{{ p.text }}]{% endfor %}", request), "[one][two]");
}

TEST(ChatContext, GivesTextAsAPartToTemplatesThatReadPartsOnly) {
  EXPECT_EQ(
      Rendered("{% for p in messages[0].content %}[{{ p['text'] }}]{% endfor %}", {.messages = {{"user", "one"}}}),
      "[one]");
}

TEST(ChatContext, SaysWhatHuggingFaceSaysWhenThereIsNothing) {
  EXPECT_EQ(Rendered("{{ tools }} {{ documents }} {{ messages[0].content }} {{ messages[0].tool_calls is defined }}",
                     {.messages = {{"user", std::nullopt}}}),
            "None None None False");
}

TEST(ChatContext, GivesReasoningUnderEveryNameThatTemplatesKnow) {
  ChatMessage message{.role = "assistant", .content = "a", .reasoning = "r"};
  EXPECT_EQ(Rendered("{{ messages[0].reasoning_content }}{{ messages[0].reasoning }}{{ messages[0].thinking }}",
                     {.messages = {message}}),
            "rrr");
}

TEST(ChatContext, ATurnOfReasoningAloneHasSaidNothing) {
  const ChatMessage message{.role = "assistant", .reasoning = "r"};
  EXPECT_EQ(Rendered("{{ messages[0].reasoning }}[{{ messages[0].content }}]", {.messages = {message}}), "r[]");
}

TEST(ChatContext, GivesACallsArgumentsAsTheTemplateReadsThem) {
  ChatMessage message{.role = "assistant", .content = "", .tool_calls = {{"id1", "f", R"({"p":1})"}}};
  const std::string calls = "{% for m in messages %}{{ m.content }}{% for c in m.tool_calls %}{{ c.id ~ ' ' }}{{ ";
  const std::string end = " }}{% endfor %}{% endfor %}";
  EXPECT_EQ(Rendered(calls + "c.function.arguments | tojson" + end, {.messages = {message}}), R"(id1 {"p": 1})");
  EXPECT_EQ(Rendered(calls + "'<' + c.function.arguments + '>'" + end, {.messages = {message}}), R"(id1 <{"p":1}>)");
  for (const std::string broken : {"[1]", R"({"p":)", "a"}) {
    message.tool_calls[0].arguments = broken;
    EXPECT_EQ(Rendered(calls + "c.function.arguments.arguments" + end, {.messages = {message}}), "id1 " + broken);
    EXPECT_EQ(Rendered(calls + "'<' + c.function.arguments + '>'" + end, {.messages = {message}}),
              "id1 <" + broken + ">");
  }
}

TEST(ChatContext, RefusesVariablesThatTheEngineSets) {
  for (const char* name : {"messages", "tools", "bos_token", "add_generation_prompt"}) {
    GenerationRequest request{.messages = {{"user", "u"}}};
    request.template_kwargs = Json{{name, "x"}}.dump();
    EXPECT_THAT(Rendered("a", request), HasSubstr(std::string("template_kwargs sets ") + name));
  }
}

TEST(ChatContext, RefusesTextThatIsNotTheJsonItMustBe) {
  GenerationRequest request{.messages = {{"user", "u"}}};
  request.tools = "{}";
  EXPECT_EQ(Rendered("a", request), "tools must be a JSON array");
  request.tools = "[";
  EXPECT_THAT(Rendered("a", request), HasSubstr("tools is not valid JSON"));
  request.tools = "";
  request.template_kwargs = "3";
  EXPECT_EQ(Rendered("a", request), "template_kwargs must be a JSON object");
}

TEST(ChatContext, ErrorsSayWhichFieldTheyAreAbout) {
  const ModelText text = TextWith("{{ messages }}");
  const auto field = [&](const GenerationRequest& request) { return FieldOf(ChatContext(text, request).status()); };
  EXPECT_EQ(field({.tools = "{}"}), "tools");
  EXPECT_EQ(field({.template_kwargs = "["}), "template_kwargs");
}

}  // namespace
}  // namespace engine
