// /openapi.json says what the routes are and what they read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api/chat_request.h"
#include "server/api/common_fields.h"
#include "tests/unit/server/api/api_builders.h"

namespace engine {
namespace {

Json Document(const ApiClient& client) { return Json::parse(client.Get("/openapi.json")->body); }

TEST(OpenApi, ListsEveryRouteAndNoOther) {
  ScriptedEngine engine;
  const ApiClient client(engine);
  std::vector<std::string> want, listed;
  for (const Route& route : client.routes()) {
    const bool below = route.path.ends_with("/*");
    const std::string path = below ? route.path.substr(0, route.path.size() - 1) + "{name}" : route.path;
    want.push_back((route.method == "GET" ? "get " : "post ") + path);
  }
  const Json document = Document(client);
  for (const auto& [path, item] : document["paths"].items()) {
    for (const auto& [method, operation] : item.items()) listed.push_back(method + " " + path);
  }
  EXPECT_THAT(listed, ::testing::UnorderedElementsAreArray(want));
}

TEST(OpenApi, NamesEveryFieldThatAChatMayHave) {
  ScriptedEngine engine;
  const Json document = Document(ApiClient(engine));
  const Json& schema =
      document["paths"]["/v1/chat/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"];
  EXPECT_EQ(schema["additionalProperties"], Json({{"type", "null"}}));
  EXPECT_EQ(schema["required"], Json::parse(R"(["messages"])"));
  size_t named = 0;
  for (const auto table : {CommonFields(), ChatFields()}) {
    for (const ApiField& field : table) {
      const bool accepted = field.read != nullptr || !field.neutral.empty();
      EXPECT_EQ(schema["properties"].contains(std::string(field.name)), accepted) << field.name;
      named += accepted ? 1 : 0;
    }
  }
  EXPECT_EQ(schema["properties"].size(), named);
  EXPECT_EQ(schema["properties"]["stop"]["type"], Json::parse(R"(["string", "array", "null"])"));
}

const Json& PropertiesOf(const Json& document, const char* path) {
  return document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"];
}

TEST(OpenApi, SaysWhatMessagesAndToolsAre) {
  ScriptedEngine engine;
  const Json document = Document(ApiClient(engine));
  for (const char* path : {"/v1/chat/completions", "/v1/chat/completions/render", "/tokenize"}) {
    const Json& message = PropertiesOf(document, path)["messages"]["items"];
    EXPECT_EQ(message["required"], Json::parse(R"(["role"])")) << path;
    EXPECT_THAT(message["properties"]["role"]["enum"], ::testing::Contains("assistant")) << path;
    EXPECT_FALSE(message["properties"].contains("refusal")) << "is refused";
    EXPECT_EQ(message["properties"]["content"]["items"]["anyOf"][0]["required"], Json::parse(R"(["type", "text"])"));
    EXPECT_TRUE(message["properties"]["tool_calls"]["items"]["properties"]["function"]["properties"].contains("name"));
  }
  EXPECT_TRUE(
      PropertiesOf(document, "/v1/chat/completions")["tools"]["items"]["properties"]["function"]["properties"].contains(
          "parameters"));
  EXPECT_TRUE(PropertiesOf(document, "/v1/responses")["tools"]["items"]["properties"].contains("parameters"));
  EXPECT_TRUE(PropertiesOf(document, "/v1/messages")["tools"]["items"]["properties"].contains("input_schema"));
  EXPECT_EQ(PropertiesOf(document, "/v1/responses")["input"]["items"]["anyOf"].size(), 4u);
  EXPECT_EQ(
      PropertiesOf(document, "/v1/messages")["messages"]["items"]["properties"]["content"]["items"]["anyOf"].size(),
      5u);
}

TEST(OpenApi, SaysWhatEveryAnswerLooksLike) {
  ScriptedEngine engine;
  const Json document = Document(ApiClient(engine));
  for (const auto& [path, item] : document["paths"].items()) {
    const Json& content = item.begin().value()["responses"]["200"]["content"];
    for (const auto& [type, answer] : content.items()) {
      std::string name = answer["schema"]["$ref"];
      name = name.substr(name.rfind('/') + 1);
      EXPECT_TRUE(document["components"]["schemas"].contains(name)) << path << " " << name;
    }
    EXPECT_TRUE(content.contains("application/json")) << path;
  }
}

// A field that is named twice would be read twice.
TEST(OpenApi, NoFieldIsInTwoTables) {
  std::vector<std::string_view> names;
  for (const auto table : {CommonFields(), ChatFields()}) {
    for (const ApiField& field : table) names.push_back(field.name);
  }
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST(OpenApi, EveryReadFieldIsExplained) {
  for (const auto table : {CommonFields(), ChatFields()}) {
    for (const ApiField& field : table) {
      if (field.read != nullptr || field.neutral.empty()) EXPECT_NE(field.help, "") << field.name;
    }
  }
}

}  // namespace
}  // namespace engine
