// What a model's chat template makes of an answer, taken apart again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/text/goldens.h"
#include "tests/unit/text/output_parser/fixtures.h"
#include "text/chat_template.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kArguments[] =
    R"({"city": "Saint-\"Étienne\"\n</tool_call>", "days": 3, "tags": ["a", null, {"b": 0.5}]})";

Json Call(const std::string& name, const std::string& arguments) {
  return {
      {"id", "123456789"}, {"type", "function"}, {"function", {{"name", name}, {"arguments", Json::parse(arguments)}}}};
}

// The text between `begin` and `end` that the template writes for the message, as a model would have written it.
std::vector<OutputDelta> RoundTrip(const std::string& file, const Json& message, const std::string& begin,
                                   const std::string& end) {
  const std::string source = ReadText("templates/" + file);
  const auto chat_template = ChatTemplate::Compile(source);
  const Json messages = {{{"role", "user"}, {"content", "Hi"}}, message};
  const std::string text =
      (*chat_template)->Render({{"messages", messages}, {"bos_token", ""}, {"eos_token", end}}).value();
  const size_t from = text.rfind(begin) + begin.size();
  const OutputFormat format = {.reasoning = *FindReasoningFormat("auto", source),
                               .tools = *FindToolFormat("auto", source)};
  const OutputParserOptions options{
      .format = format, .functions = WeatherFunctions(), .start = StartOf(format.reasoning, begin, /*thinks=*/true)};
  return Parse(options, {text.substr(from, text.rfind(end) - from)});
}

TEST(RoundTrip, OfQwen3) {
  const Json message = {{"role", "assistant"},
                        {"content", "I look."},
                        {"reasoning_content", "Hm."},
                        {"tool_calls", {Call("get_weather", kArguments), Call("now", "{}")}}};
  EXPECT_EQ(RoundTrip("qwen3.jinja", message, "<|im_start|>assistant\n", "<|im_end|>"),
            (std::vector<OutputDelta>{Think("Hm."), Say("I look."), Begin(0, "get_weather"), Arguments(0, kArguments),
                                      Begin(1, "now"), Arguments(1, "{}")}));
}

TEST(RoundTrip, OfLlama3) {
  const Json message = {{"role", "assistant"}, {"content", ""}, {"tool_calls", {Call("get_weather", kArguments)}}};
  EXPECT_EQ(RoundTrip("llama3.jinja", message, "assistant<|end_header_id|>\n\n", "<|eot_id|>"),
            (std::vector<OutputDelta>{Begin(0, "get_weather"), Arguments(0, kArguments)}));
}

TEST(RoundTrip, OfMistral) {
  const Json message = {{"role", "assistant"}, {"content", ""}, {"tool_calls", {Call("get_weather", kArguments)}}};
  EXPECT_EQ(RoundTrip("mistral.jinja", message, "[/INST]", "</s>"),
            (std::vector<OutputDelta>{Begin(0, "get_weather"), Arguments(0, kArguments)}));
}

}  // namespace
}  // namespace engine
