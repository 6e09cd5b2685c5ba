#include "text/output_parser/output_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/text/goldens.h"

namespace engine {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

std::string ReasoningOf(std::string_view chat_template) {
  const auto format = FindReasoningFormat("auto", chat_template);
  return *format == nullptr ? "none" : std::string((*format)->names.front());
}

std::string ToolsOf(std::string_view chat_template) {
  const auto format = FindToolFormat("auto", chat_template);
  return *format == nullptr ? "none" : std::string((*format)->names.front());
}

TEST(OutputFormat, IsFoundByTheNamesOfOtherEngines) {
  for (const char* name :
       {"qwen3",      "qwen-qwq",  "deepseek-r1", "deepseek_r1", "deepseek_v3", "glm45",        "openai_gptoss",
        "gpt-oss",    "intern-s1", "ernie45",     "granite",     "holo2",       "hunyuan_a13b", "kimi_k2",
        "minimax_m2", "mistral",   "nemotron_v3", "olmo3",       "seed_oss",    "step3",        "step3p5"}) {
    EXPECT_NE(FindReasoningFormat(name, "").value_or(nullptr), nullptr) << name;
  }
  for (const char* name : {"hermes",       "qwen3_coder",     "qwen3coder",     "qwen3_xml", "qwen2d5",  "llama3_json",
                           "llama3",       "llama4_pythonic", "mistral",        "openai",    "internlm", "deepseek_v3",
                           "deepseek_v31", "deepseek_v32",    "functiongemma",  "gemma4",    "glm45",    "glm47",
                           "granite",      "hunyuan_a13b",    "jamba",          "kimi_k2",   "lfm2",     "longcat",
                           "minimax_m2",   "olmo3",           "phi4_mini_json", "pythonic",  "seed_oss", "step3p5"}) {
    EXPECT_NE(FindToolFormat(name, "").value_or(nullptr), nullptr) << name;
  }
  for (const char* name : {"none", "identity"}) {
    EXPECT_EQ(FindReasoningFormat(name, "<think></think>").value(), nullptr) << name;
  }
}

TEST(OutputFormat, ErrorsNameAllThereAre) {
  const auto reasoning = FindReasoningFormat("qwen9", "");
  EXPECT_THAT(std::string(Message(reasoning.status())),
              HasSubstr("there is no reasoning parser qwen9; there are auto, none"));
  EXPECT_THAT(std::string(Message(reasoning.status())), HasSubstr(", deepseek_r1"));
  EXPECT_THAT(std::string(Message(FindToolFormat("x", "").status())), HasSubstr("hermes"));
}

TEST(OutputFormat, NoTwoHaveTheSameName) {
  for (const auto& names : {ReasoningFormatNames(), ToolFormatNames()}) {
    EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  }
}

TEST(OutputFormat, IsRecognisedByTheChatTemplate) {
  EXPECT_EQ(ReasoningOf(ReadText("templates/qwen3.jinja")), "qwen3");
  EXPECT_EQ(ToolsOf(ReadText("templates/qwen3.jinja")), "hermes");
  EXPECT_EQ(ReasoningOf(ReadText("templates/gemma.jinja")), "none");
  EXPECT_EQ(ToolsOf(ReadText("templates/chatml.jinja")), "none");
  EXPECT_EQ(ToolsOf("<tool_call>\n<function=example>"), "qwen3_coder");
  EXPECT_EQ(ToolsOf("<tool_call>{name}\n<arg_key>"), "glm45");
  EXPECT_EQ(ToolsOf("<|start|>assistant<|channel|>final<|message|>"), "openai");
  EXPECT_EQ(ReasoningOf("<|start|>assistant<|channel|>final<|message|>"), "openai_gptoss");
  EXPECT_EQ(ToolsOf("<｜tool▁calls▁begin｜>\\n```json"), "deepseek_v3");
  EXPECT_EQ(ToolsOf("<｜tool▁calls▁begin｜>"), "deepseek_v31");
}

TEST(OutputFormat, ListsTheTokensThatMustBeDecoded) {
  const OutputFormat mistral{.reasoning = *FindReasoningFormat("mistral", ""), .tools = *FindToolFormat("mistral", "")};
  for (const char* marker : {"[THINK]", "[/THINK]", "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"}) {
    EXPECT_THAT(MarkersOf(mistral), Contains(marker));
  }
  EXPECT_THAT(MarkersOf({.tools = *FindToolFormat("gemma4", "")}), Contains("<|\"|>"));
  EXPECT_THAT(MarkersOf({.tools = *FindToolFormat("openai", "")}), Contains("<|channel|>"));
}

}  // namespace
}  // namespace engine
