#include "text/output_parser/call_grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/text/output_parser/fixtures.h"

namespace engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Grammar(const std::string& tools, CallGrammarOptions options, const std::string& reasoning = "none") {
  const std::vector<ToolFunction> functions = WeatherFunctions();
  options.functions = functions;
  return CallGrammar({.reasoning = *FindReasoningFormat(reasoning, ""), .tools = *FindToolFormat(tools, "")}, options);
}

TEST(CallGrammar, ForcesACallOfAnOfferedFunction) {
  const std::string grammar = Grammar("hermes", {.required = true});
  EXPECT_THAT(grammar, HasSubstr(R"(start: "<tool_call>" "\n"? )"));
  EXPECT_THAT(grammar, HasSubstr(R"("\"name\": \"get_weather\", \"arguments\": ")"));
  EXPECT_THAT(grammar, HasSubstr(R"("\"name\": \"now\", \"arguments\": ")"));
  EXPECT_THAT(grammar, HasSubstr(R"(%json {"type":"object","properties":{"city":{"type":"string"})"));
}

TEST(CallGrammar, AllowsSeveralCallsWhereAskedTo) {
  EXPECT_THAT(Grammar("hermes", {.required = true}), HasSubstr(")*"));
  EXPECT_THAT(Grammar("hermes", {.required = true, .parallel = false}), Not(HasSubstr(")*")));
}

TEST(CallGrammar, AllowsReasoningBeforeTheCall) {
  const std::string grammar = Grammar("hermes", {.required = true}, "qwen3");
  EXPECT_THAT(grammar, HasSubstr(R"("<think>" r3 )? )"));
  EXPECT_THAT(grammar, HasSubstr(R"(r3[suffix="</think>"]: /(?s:.*)/)"));
  EXPECT_THAT(Grammar("hermes", {.required = true, .start = ReasoningStart::kOpen}, "qwen3"), HasSubstr("start: r3 /"));
  EXPECT_THAT(Grammar("hermes", {.required = true, .start = ReasoningStart::kNone}, "qwen3"), Not(HasSubstr("think")));
}

TEST(CallGrammar, NamesControlTokensByTheirIds) {
  const std::vector<ControlToken> tokens = {{"<|tool_call>", 7}, {"<tool_call|>", 8}, {"<|\"|>", 9}};
  const std::string grammar = Grammar("gemma4", {.control_tokens = tokens, .required = true});
  EXPECT_THAT(grammar, HasSubstr(R"(start: <[7]> "call:" )"));
  EXPECT_THAT(grammar, HasSubstr(R"(<[9]> /(?s:.*)/ <[9]>)"));
  EXPECT_THAT(grammar, Not(HasSubstr("tool_call")));
}

TEST(CallGrammar, LeavesTextAloneUntilACallBegins) {
  const std::string grammar = Grammar("hermes", {});
  EXPECT_THAT(grammar, HasSubstr(R"([suffix="<tool_call>"]: /(?s:.*)/)"));
  EXPECT_THAT(grammar, HasSubstr(")* /(?s:.*)/\n"));
}

TEST(CallGrammar, IsEmptyWhereABracketOpensCallsAndReasoningMayComeBefore) {
  EXPECT_EQ(Grammar("llama3_json", {}, "qwen3"), "");
  EXPECT_EQ(Grammar("pythonic", {}, "qwen3"), "");
  EXPECT_NE(Grammar("llama3_json", {.required = true}, "qwen3"), "");
}

TEST(CallGrammar, SaysWhatComesBeforeAnAnswerOfAnotherForm) {
  const OutputFormat thinks = {.reasoning = *FindReasoningFormat("qwen3", "")};
  const std::string inside = "r0[suffix=\"</think>\"]: /(?s:.*)/\n";
  EXPECT_EQ(BeforeAnswer(thinks, {}, ReasoningStart::kNone), "");
  EXPECT_EQ(BeforeAnswer(thinks, {}, ReasoningStart::kOpen), "start: r0 /\\n{0,2}/ @answer\n" + inside);
  EXPECT_EQ(BeforeAnswer(thinks, {}, ReasoningStart::kMayOpen),
            "start: (\"<think>\" r0 /\\n{0,2}/ )? @answer\n" + inside);
  const OutputFormat harmony = {.reasoning = *FindReasoningFormat("harmony", "")};
  EXPECT_THAT(BeforeAnswer(harmony, {}, ReasoningStart::kNone), HasSubstr("<|channel|>final<|message|>\" @answer"));
}

TEST(CallGrammar, IsEmptyWithoutFunctions) {
  EXPECT_EQ(CallGrammar({.tools = *FindToolFormat("hermes", "")}, {.required = true}), "");
}

TEST(CallGrammar, ExistsForEveryFormat) {
  for (const std::string_view name : ToolFormatNames()) {
    EXPECT_THAT(Grammar(std::string(name), {.required = true}), HasSubstr("get_weather")) << name;
  }
}

}  // namespace
}  // namespace engine
