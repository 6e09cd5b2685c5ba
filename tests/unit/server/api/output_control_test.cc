// Every name under which a form of answer is asked for.
#include "server/api/output_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api/completion_request.h"

namespace engine {
namespace {

using ::testing::HasSubstr;
using Kind = OutputGrammar::Kind;

absl::StatusOr<OutputGrammar> Read(const std::string& more) {
  Json body = Json::parse(more);
  body["prompt"] = "a";
  ApiRequest request;
  RETURN_IF_ERROR(ReadCompletionRequest(body, request));
  return request.generation.grammar;
}

std::string Refusal(const std::string& more) {
  const auto grammar = Read(more);
  return grammar.ok() ? "accepted" : std::string(Message(grammar.status()));
}

struct Case {
  const char* body;
  Kind kind;
  const char* text;
};

// The legacy guided_* names are dropped silently elsewhere; here they hold.
constexpr Case kCases[] = {
    {R"({"response_format": {"type": "text"}})", Kind::kNone, ""},
    {R"({"response_format": {"type": "json_object"}})", Kind::kJsonObject, ""},
    {R"({"response_format": {"type": "json_object", "schema": {"type": "object"}}})", Kind::kJsonSchema,
     R"({"type":"object"})"},
    {R"({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": {"z": 1, "a": 2}}}})",
     Kind::kJsonSchema, R"({"z":1,"a":2})"},
    {R"({"response_format": {"type": "regex_schema", "regex_schema": "a+"}})", Kind::kRegex, "a+"},
    {R"({"structured_outputs": {"json": {"type": "object"}}})", Kind::kJsonSchema, R"({"type":"object"})"},
    {R"({"structured_outputs": {"json": "{\"type\": \"object\"}"}})", Kind::kJsonSchema, R"({"type": "object"})"},
    {R"({"structured_outputs": {"regex": "a|b"}})", Kind::kRegex, "a|b"},
    {R"({"structured_outputs": {"choice": ["yes", "no"]}})", Kind::kChoice, R"(["yes","no"])"},
    {R"({"structured_outputs": {"grammar": "root ::= \"a\""}})", Kind::kGbnf, "root ::= \"a\""},
    {R"({"structured_outputs": {"grammar": "start: \"a\""}})", Kind::kLark, "start: \"a\""},
    {R"({"structured_outputs": {"json_object": true}})", Kind::kJsonObject, ""},
    {R"({"guided_json": {"type": "object"}})", Kind::kJsonSchema, R"({"type":"object"})"},
    {R"({"guided_regex": "a"})", Kind::kRegex, "a"},
    {R"({"guided_choice": ["a"]})", Kind::kChoice, R"(["a"])"},
    {R"({"guided_grammar": "root ::= \"a\"", "guided_decoding_backend": "xgrammar"})", Kind::kGbnf, "root ::= \"a\""},
    {R"({"json_schema": {}})", Kind::kJsonSchema, "{}"},
    {R"({"grammar": "root ::= \"a\""})", Kind::kGbnf, "root ::= \"a\""},
    {R"({"regex": "a"})", Kind::kRegex, "a"},
    {R"({"ebnf": "root ::= \"a\""})", Kind::kGbnf, "root ::= \"a\""},
};

TEST(OutputControl, EveryNameOfAGrammarIsHonoured) {
  for (const Case& c : kCases) {
    const auto grammar = Read(c.body);
    ASSERT_TRUE(grammar.ok()) << c.body << grammar.status();
    EXPECT_EQ(grammar->kind, c.kind) << c.body;
    EXPECT_EQ(grammar->text, c.text) << c.body;
  }
}

TEST(OutputControl, TwoFormsOfAnswerAreRefused) {
  EXPECT_THAT(Refusal(R"({"guided_regex": "a", "response_format": {"type": "json_object"}})"),
              HasSubstr("send one of them"));
  EXPECT_THAT(Refusal(R"({"structured_outputs": {"regex": "a", "choice": ["a"]}})"), HasSubstr("send one of them"));
}

TEST(OutputControl, AnIncompleteFormIsRefused) {
  EXPECT_EQ(Refusal(R"({"response_format": {}})"), "response_format.type is missing");
  EXPECT_EQ(Refusal(R"({"response_format": {"type": "json_schema"}})"),
            "response_format.json_schema.schema is missing");
  EXPECT_THAT(Refusal(R"({"response_format": {"type": "structural_tag"}})"), HasSubstr("response_format.type is"));
  EXPECT_THAT(Refusal(R"({"structured_outputs": {}})"), HasSubstr("structured_outputs asks for nothing"));
  EXPECT_EQ(Refusal(R"({"guided_choice": []})"), "guided_choice is empty; it needs a text to choose");
  EXPECT_EQ(Refusal(R"({"guided_json": 3})"), "guided_json is 3; it must be an object");
}

}  // namespace
}  // namespace engine
