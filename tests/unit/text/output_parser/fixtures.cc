#include "tests/unit/text/output_parser/fixtures.h"

#include "core/base/check.h"

namespace engine {
namespace {

constexpr char kParis[] = R"({"city": "Paris", "days": 3})";
constexpr char kThinkPrompt[] = "<|im_start|>assistant\n<think>\n";
constexpr char kClosedPrompt[] = "<|im_start|>assistant\n<think>\n\n</think>\n\n";

std::vector<OutputFixture> Reasoning() {
  return {
      {"plain text", "qwen3", "none", "Hello, world.\n", {Say("Hello, world.\n")}},
      {"reasoning", "qwen3", "none", "<think>\nHm.\n\nSo.\n</think>\n\nHello.", {Think("Hm.\n\nSo."), Say("Hello.")}},
      {"opened by the template", "qwen3", "none", "Hm.\n</think>\n\nHi.\n", {Think("Hm."), Say("Hi.\n")}, kThinkPrompt},
      {"closed by the template", "deepseek-r1", "none", "Hi.", {Say("Hi.")}, kClosedPrompt},
      {"opened by nobody", "qwen-qwq", "none", "Hm.</think>Hi.", {Think("Hm."), Say("Hi.")}},
      {"unfinished reasoning", "qwen3", "none", "<think>Hm, 1 < 2 </thin", {Think("Hm, 1 < 2 </thin")}},
      {"empty reasoning", "qwen3", "none", "<think>\n\n</think>\n\n    code", {Say("    code")}},
      {"a marker in content", "qwen3", "none", "Models write <think> first.", {Say("Models write <think> first.")}},
      {"mistral reasoning", "mistral", "none", "[THINK]Hm.[/THINK]Hi [x].", {Think("Hm."), Say("Hi [x].")}},
      {"granite reasoning",
       "granite",
       "none",
       "Here is my thought process:\nHm.\nHere is my response:\nHi.",
       {Think("Hm."), Say("Hi.")}},
      {"seed reasoning", "seed_oss", "none", "<seed:think>Hm.</seed:think>Hi.", {Think("Hm."), Say("Hi.")}},
      {"gemma 4 reasoning", "gemma4", "none", "<|channel>thought\nHm.\n<channel|>Hi.", {Think("Hm."), Say("Hi.")}},
  };
}

std::vector<OutputFixture> ObjectCalls() {
  return {
      {"hermes",
       "qwen3",
       "hermes",
       "<think>\nHm.\n</think>\n\nI look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": "
       "\"Paris\", "
       "\"days\": 3}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>",
       {Think("Hm."), Say("I look."), Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"),
        Arguments(1, "{}")}},
      {"hermes, arguments first, text after",
       "none",
       "qwen",
       R"(<tool_call>{"arguments":{"city":"Paris","days":3},"name":"get_weather"}</tool_call>
Done.)",
       {Begin(0, "get_weather"), Arguments(0, kParis), Say("Done.")}},
      {"hermes, arguments as text, none at all",
       "none",
       "hermes",
       R"(<tool_call>{"name": "get_weather", "arguments": "{\"city\": \"Paris\", \"days\": 3}"}</tool_call>)"
       R"(<tool_call>{"name": "now"}</tool_call>)",
       {Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"), Arguments(1, "{}")}},
      {"hermes, markers and escapes in strings",
       "none",
       "hermes",
       "<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"a</tool_call>}\\\"\\\\ \\u00e9 é\\n\nz\", "
       "\"tags\": [[], {\"x\": -1.5e3}, null, true]}}</tool_call>",
       {Begin(0, "get_weather"),
        Arguments(
            0,
            "{\"city\": \"a</tool_call>}\\\"\\\\ \\u00e9 é\\n\\nz\", \"tags\": [[], {\"x\": -1.5e3}, null, true]}")}},
      {"llama 3",
       "none",
       "llama3_json",
       R"({"name": "get_weather", "parameters": {"city": "Paris", "days": 3}}; {"name": "now", "parameters": {}})",
       {Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"), Arguments(1, "{}")}},
      {"llama 3 with its tag",
       "none",
       "llama3_json",
       R"(<|python_tag|>{"type": "function", "name": "get_weather", "parameters": {"city": "Paris", "days": 3}})",
       {Begin(0, "get_weather"), Arguments(0, kParis)}},
      {"llama 3 answers in JSON",
       "none",
       "llama3_json",
       R"({"name": "Ann", "parameters": {"age": 3}} {"name": "now"})",
       {Say(R"({"name": "Ann", "parameters": {"age": 3}} {"name": "now"})")}},
      {"mistral before v11",
       "none",
       "mistral",
       R"([TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}, "id": "abcdefghi"}, )"
       R"({"id": "123456789", "name": "now", "arguments": {}}])",
       {Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now", "123456789"), Arguments(1, "{}")}},
      {"granite",
       "none",
       "granite",
       R"(<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}])",
       {Begin(0, "get_weather"), Arguments(0, kParis)}},
      {"phi 4 mini",
       "none",
       "phi4_mini_json",
       R"(functools[{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}])",
       {Begin(0, "get_weather"), Arguments(0, kParis)}},
      {"internlm",
       "none",
       "internlm",
       "I look.<|action_start|><|plugin|>\n{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\", \"days\": "
       "3}}<|action_end|>\n",
       {Say("I look."), Begin(0, "get_weather"), Arguments(0, kParis)}},
      {"jamba",
       "none",
       "jamba",
       "<tool_calls>[\n  {\"name\": \"now\", \"arguments\": {}}\n]</tool_calls>",
       {Begin(0, "now"), Arguments(0, "{}")}},
      {"cohere",
       "cohere",
       "cohere",
       "<|START_THINKING|>Hm.<|END_THINKING|><|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": "
       "\"get_weather\", \"parameters\": {\"city\": \"Paris\", \"days\": 3}},\n    {\"tool_call_id\": \"1\", "
       "\"tool_name\": \"now\", \"parameters\": {}}\n]<|END_ACTION|>",
       {Think("Hm."), Begin(0, "get_weather", "0"), Arguments(0, kParis), Begin(1, "now", "1"), Arguments(1, "{}")}},
      {"apertus",
       "apertus",
       "apertus",
       R"(<|inner_prefix|>Hm.<|inner_suffix|><|tools_prefix|>[{"get_weather": {"city": "Paris", "days": 3}}, )"
       R"({"now": {}}]<|tools_suffix|>)",
       {Think("Hm."), Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"), Arguments(1, "{}")}},
      {"apertus, two calls in one object",
       "none",
       "apertus",
       R"(<|tools_prefix|>[{"get_weather": {"city": "Paris", "days": 3}, "now": null, "other": {}}]<|tools_suffix|>)",
       {Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"), Arguments(1, "{}"), Begin(2, "other"),
        Arguments(2, "{}")}},
      {"hermes, arguments named twice",
       "none",
       "hermes",
       R"(<tool_call>{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}, "parameters": {}}</tool_call>)"
       R"(<tool_call>{"arguments": {"n": 1}, "name": "now", "arguments": {"n": 2}}</tool_call>)"
       R"(<tool_call>{"name": "now", "arguments": "{}", "arguments": {"n": 2}}</tool_call>)",
       {Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"), Arguments(1, R"({"n": 1})"), Begin(2, "now"),
        Arguments(2, "{}")}},
      {"hermes, arguments as text in Python's words, an empty text, half of a character",
       "none",
       "hermes",
       R"(<tool_call>{"name": "now", "arguments": "{\"utc\": True} "}</tool_call>)"
       R"(<tool_call>{"name": "now", "arguments": ""}</tool_call>)"
       R"(<tool_call>{"name": "now", "arguments": {"a": "\ud83d\ude00 \ud83d. \ude00"}}</tool_call>)",
       {Begin(0, "now"), Arguments(0, R"({"utc": true})"), Begin(1, "now"), Arguments(1, "{}"), Begin(2, "now"),
        Arguments(2, R"({"a": "\ud83d\ude00 \ufffd. \ufffd"})")}},
  };
}

std::vector<OutputFixture> HeaderCalls() {
  return {
      {"mistral v11",
       "none",
       "mistral",
       R"(I look.[TOOL_CALLS]get_weather[CALL_ID]abcdefghi[ARGS]{"city": "Paris", "days": 3}[TOOL_CALLS]now[ARGS]{})",
       {Say("I look."), Begin(0, "get_weather", "abcdefghi"), Arguments(0, kParis), Begin(1, "now"),
        Arguments(1, "{}")}},
      {"mistral without marks around the arguments",
       "none",
       "mistral",
       R"([TOOL_CALLS]get_weather{"city": "Paris", "days": 3})",
       {Begin(0, "get_weather"), Arguments(0, kParis)}},
      {"deepseek r1",
       "deepseek_r1",
       "deepseek_v3",
       "Hm.</think>\n\nI look.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
       "{\"city\": \"Paris\", \"days\": 3}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n"
       "```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
       {Think("Hm."), Say("I look."), Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"),
        Arguments(1, "{}")}},
      {"deepseek v3.1",
       "deepseek_v3",
       "deepseek_v31",
       "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Paris\", \"days\": 3}"
       "<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
       {Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"), Arguments(1, "{}")},
       "<｜Assistant｜></think>"},
      {"kimi k2, reasoning ended by its calls",
       "kimi_k2",
       "kimi_k2",
       "<think>Hm. <|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
       "{\"city\": \"Paris\", \"days\": 3}<|tool_call_end|><|tool_call_begin|>functions.now:1"
       "<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>",
       {Think("Hm."), Begin(0, "get_weather", "functions.get_weather:0"), Arguments(0, kParis),
        Begin(1, "now", "functions.now:1"), Arguments(1, "{}")}},
      {"pythonic",
       "none",
       "llama4_pythonic",
       R"py([get_weather(city="Paris", days=3), now()])py",
       {Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"), Arguments(1, "{}")}},
      {"pythonic values",
       "none",
       "pythonic",
       R"py(<|python_start|>[get_weather(city='it\'s "x"\x41\t', note=None, tags=[1, {'a': True, "b": [False,]}, -2.5])]<|python_end|>)py",
       {Begin(0, "get_weather"),
        Arguments(0, R"({"city": "it's \"x\"\u0041\t", "note": null, "tags": [1, {"a": true, "b": [false]}, -2.5]})")}},
      {"a list that is no call", "none", "pythonic", "[1, 2] and [now()]", {Say("[1, 2] and [now()]")}},
      {"lfm2",
       "lfm2",
       "lfm2",
       R"py(<think>Hm.</think><|tool_call_start|>[get_weather(city="Paris", days=3)]<|tool_call_end|>I look.)py",
       {Think("Hm."), Begin(0, "get_weather"), Arguments(0, kParis), Say("I look.")}},
      {"olmo 3",
       "olmo3",
       "olmo3",
       "Hm.</think><function_calls>get_weather(city=\"Paris\", days=3)\nnow()</function_calls>",
       {Think("Hm."), Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"), Arguments(1, "{}")}},
      {"gemma 4",
       "gemma4",
       "gemma4",
       R"(<|channel>thought
Hm.<channel|><|tool_call>call:get_weather{city:<|"|>"Paris" {a}<|"|>,days:3,tags:[{a:<|"|><<|"|>},true]}<tool_call|>)"
       R"(<|tool_call>call:now{}<tool_call|>)",
       {Think("Hm."), Begin(0, "get_weather"),
        Arguments(0, R"({"city": "\"Paris\" {a}", "days": 3, "tags": [{"a": "<"}, true]})"), Begin(1, "now"),
        Arguments(1, "{}")}},
      {"functiongemma",
       "none",
       "functiongemma",
       "<start_function_call>call:get_weather{city:<escape>Paris<escape>,days:3}<end_function_call>",
       {Begin(0, "get_weather"), Arguments(0, kParis)}},
  };
}

std::vector<OutputFixture> TagCalls() {
  return {
      {"qwen3-coder",
       "qwen3_coder",
       "qwen3_coder",
       "I look.\n<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n3\n"
       "</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=now>\n</function>\n</tool_call>",
       {Say("I look."), Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"), Arguments(1, "{}")}},
      {"qwen3-coder, a program as a value, reasoning left open",
       "qwen3_coder",
       "qwen3_coder",
       "<think>Hm.\n<tool_call>\n<function=get_weather>\n<parameter=city>\n<a "
       "href=\"x\">\n\n\t</parameter\n\n</parameter>\n"
       "<parameter=note>\nnull\n</parameter>\n<parameter=tags>\n[\"a\", {\"b\": None}]\n</parameter>\n</function>\n"
       "</tool_call>",
       {Think("Hm."), Begin(0, "get_weather"),
        Arguments(0, R"({"city": "<a href=\"x\">\n\n\t</parameter\n", "note": null, "tags": ["a", {"b": null}]})")}},
      {"qwen3-coder without the outer tag",
       "none",
       "qwen3_xml",
       "<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n3\n</parameter>\n</function>\n"
       "</tool_call>",
       {Begin(0, "get_weather"), Arguments(0, kParis)}},
      {"qwen3-coder writes the other form",
       "none",
       "qwen3_coder",
       R"(<tool_call>{"name": "now", "arguments": {}}</tool_call>)",
       {Begin(0, "now"), Arguments(0, "{}")}},
      {"values that their schema does not allow",
       "none",
       "qwen3_coder",
       "<tool_call><function=get_weather><parameter=days>soon</parameter><parameter=city>3</parameter>"
       "<parameter=other>\"x\"</parameter><parameter=more>[1]</parameter><parameter=note>nullify</parameter></function>"
       "</tool_call>",
       {Begin(0, "get_weather"),
        Arguments(0, R"({"days": "soon", "city": "3", "other": "\"x\"", "more": [1], "note": "nullify"})")}},
      {"seed",
       "seed_oss",
       "seed_oss",
       "<seed:think>Hm.</seed:think>\n<seed:tool_call>\n<function=get_weather>\n<parameter=city>Paris</parameter>\n"
       "<parameter=days>3</parameter>\n</function>\n</seed:tool_call>",
       {Think("Hm."), Begin(0, "get_weather"), Arguments(0, kParis)}},
      {"glm",
       "glm45",
       "glm45",
       "\n<think>Hm.</think>\nI look.\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n"
       "<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>\n<tool_call>now</tool_call>",
       {Think("Hm."), Say("I look."), Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"),
        Arguments(1, "{}")}},
      {"minimax",
       "minimax_m2",
       "minimax_m2",
       "Hm.\n</think>\n\nI look.\n<minimax:tool_call>\n<invoke name=\"get_weather\">\n<parameter "
       "name=\"city\">Paris</parameter>\n<parameter name=\"days\">3</parameter>\n</invoke>\n<invoke name=\"now\">\n"
       "</invoke>\n</minimax:tool_call>",
       {Think("Hm."), Say("I look."), Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"),
        Arguments(1, "{}")},
       "]~b]ai\n<think>\n"},
      {"deepseek v3.2",
       "deepseek_v32",
       "deepseek_v32",
       "Hm.</think>I look.\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter "
       "name=\"city\" string=\"true\">Paris</｜DSML｜parameter>\n<｜DSML｜parameter name=\"days\" "
       "string=\"false\">3</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"now\">\n</｜DSML｜invoke>\n"
       "</｜DSML｜function_calls>",
       {Think("Hm."), Say("I look."), Begin(0, "get_weather"), Arguments(0, kParis), Begin(1, "now"),
        Arguments(1, "{}")},
       "<｜Assistant｜><think>"},
      {"deepseek v4",
       "deepseek_v4",
       "deepseek_v4",
       "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"true\">1"
       "</｜DSML｜parameter>\n<｜DSML｜parameter name=\"b\" string=\"false\">{\"c\": [\"x\"]}</｜DSML｜parameter>\n"
       "</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
       {Begin(0, "f"), Arguments(0, R"({"a": "1", "b": {"c": ["x"]}})")},
       "<｜Assistant｜></think>"},
  };
}

std::vector<OutputFixture> Harmony() {
  const std::string prompt = "<|start|>assistant";
  return {
      {"harmony",
       "openai_gptoss",
       "openai",
       "<|channel|>analysis<|message|>Hm. <b><|end|><|start|>assistant<|channel|>final<|message|>Hi.",
       {Think("Hm. <b>"), Say("Hi.")},
       prompt},
      {"harmony call",
       "gpt-oss",
       "openai",
       "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>I "
       "look.<|end|><|start|>"
       "assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\": \"Paris\", "
       "\"days\": 3}<|call|>",
       {Think("Hm."), Say("I look."), Begin(0, "get_weather"), Arguments(0, kParis)},
       prompt},
      {"harmony call, addressed in the role",
       "openai_gptoss",
       "openai",
       " to=functions.now<|channel|>commentary<|constrain|>json<|message|>{}<|call|><|start|>assistant"
       " to=functions.get_weather<|channel|>commentary json<|message|>\n{\"city\":\"Paris\",\"days\":3} <|call|>",
       {Begin(0, "now"), Arguments(0, "{}"), Begin(1, "get_weather"), Arguments(1, kParis)},
       prompt},
      {"harmony without any", "openai_gptoss", "openai", "Hi.\n", {Say("Hi.\n")}, prompt},
      {"harmony, ends left out",
       "openai_gptoss",
       "openai",
       "<|channel|>analysis<|message|>Hm.<|channel|>final<|message|>Hi.<|return|>",
       {Think("Hm."), Say("Hi.")},
       prompt},
  };
}

}  // namespace

OutputDelta Say(std::string text) { return {.kind = OutputDelta::Kind::kContent, .text = std::move(text)}; }
OutputDelta Think(std::string text) { return {.kind = OutputDelta::Kind::kReasoning, .text = std::move(text)}; }
OutputDelta Begin(int call, std::string name, std::string id) {
  return {OutputDelta::Kind::kToolCallBegin, std::move(name), call, std::move(id)};
}
OutputDelta Arguments(int call, std::string json) {
  return {.kind = OutputDelta::Kind::kToolArguments, .text = std::move(json), .call = call};
}

std::vector<ToolFunction> WeatherFunctions() {
  return {{"get_weather",
           R"({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"},
               "note": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "tags": {"type": "array"}}})"},
          {"now", ""}};
}

std::vector<OutputFixture> OutputFixtures() {
  std::vector<OutputFixture> all;
  for (const auto& family : {Reasoning(), ObjectCalls(), HeaderCalls(), TagCalls(), Harmony()}) {
    all.insert(all.end(), family.begin(), family.end());
  }
  return all;
}

OutputParserOptions OptionsOf(const OutputFixture& fixture) {
  const auto reasoning = FindReasoningFormat(fixture.reasoning, "");
  const auto tools = FindToolFormat(fixture.tools, "");
  ENGINE_CHECK(reasoning.ok() && tools.ok());
  return {.format = {.reasoning = *reasoning, .tools = *tools},
          .functions = WeatherFunctions(),
          .start = StartOf(*reasoning, fixture.prompt_end, /*thinks=*/true)};
}

std::vector<OutputDelta> Parse(const OutputParserOptions& options, const std::vector<std::string>& pieces) {
  const auto parser = MakeOutputParser(options);
  std::vector<OutputDelta> deltas;
  for (const std::string& piece : pieces) parser->Push(piece, deltas);
  parser->Finish(deltas);
  std::vector<OutputDelta> merged;
  for (OutputDelta& delta : deltas) {
    const bool goes_on = !merged.empty() && delta.kind != OutputDelta::Kind::kToolCallBegin &&
                         merged.back().kind == delta.kind && merged.back().call == delta.call;
    if (goes_on) {
      merged.back().text += delta.text;
    } else {
      merged.push_back(std::move(delta));
    }
  }
  return merged;
}

}  // namespace engine
