#include "engine/output_splitter.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

OutputSplitter Qwen(bool one_call = false) {
  OutputParserOptions options{.functions = {{.name = "f"}}};
  options.format = {.reasoning = *FindReasoningFormat("qwen3", ""), .tools = *FindToolFormat("hermes", "")};
  return {MakeOutputParser(options), one_call};
}

// Everything that the splitter makes of an answer whose tokens have these texts.
Generation Split(OutputSplitter splitter, const std::vector<std::string>& texts) {
  Generation generation;
  for (const std::string& text : texts) {
    GenerationUpdate update{.text = text, .tokens = {1}};
    if (&text == &texts.back()) update.finish = Finish::kStop;
    splitter.Split(update);
    Append(update, generation);
  }
  return generation;
}

const std::vector<std::string> kAnswer = {"<think>",
                                          "a",
                                          "b",
                                          "</think>",
                                          "\n\nc",
                                          "<tool",
                                          "_call>\n{\"name\": \"f\", ",
                                          "\"arguments\": {\"x\": 1}}\n</tool_call>"};

TEST(OutputSplitter, TellsReasoningAndCallsFromText) {
  const Generation answer = Split(Qwen(), kAnswer);
  EXPECT_EQ(answer.reasoning, "ab");
  EXPECT_EQ(answer.text, "c");
  ASSERT_EQ(answer.tool_calls.size(), 1u);
  EXPECT_EQ(answer.tool_calls[0].name, "f");
  EXPECT_EQ(answer.tool_calls[0].arguments, R"({"x": 1})");
}

TEST(OutputSplitter, CountsTheTokensOfReasoning) {
  EXPECT_EQ(Split(Qwen(), kAnswer).reasoning_tokens, 3);
  EXPECT_EQ(Split(Qwen(), {"a", "b"}).reasoning_tokens, 0);
}

TEST(OutputSplitter, LosesNoTextOfAnAnswerThatBreaksOff) {
  EXPECT_EQ(Split(Qwen(), {"a <thi"}).text, "a <thi");
  EXPECT_EQ(Split(Qwen(), {"<think>", "a</thi"}).reasoning, "a</thi");
}

TEST(OutputSplitter, EndsTheAnswerBeforeASecondCallWhereOneIsAllowed) {
  std::vector<std::string> twice = kAnswer;
  twice.insert(twice.end(), kAnswer.end() - 3, kAnswer.end());
  twice.emplace_back("x");
  EXPECT_EQ(Split(Qwen(), twice).tool_calls.size(), 2u);
  OutputSplitter one = Qwen(/*one_call=*/true);
  GenerationUpdate update;
  size_t pieces = 0;
  for (; update.finish == Finish::kNone; ++pieces) {
    update = {.text = twice[pieces]};
    one.Split(update);
    EXPECT_TRUE(update.tool_calls.empty() || update.tool_calls.back().index == 0);
  }
  EXPECT_EQ(update.finish, Finish::kStop);
  EXPECT_EQ(twice[pieces - 1], kAnswer.back()) << "where the second call is known as one";
}

TEST(OutputSplitter, WithoutAParserAllIsText) {
  EXPECT_EQ(Split(OutputSplitter(nullptr, false), {"<think>", "a"}).text, "<think>a");
}

}  // namespace
}  // namespace engine
