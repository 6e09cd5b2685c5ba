#include "text/output_parser/output_format.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_format.h"
#include "text/output_parser/held_text.h"

namespace engine {
namespace {

// A table's rows point to lists of texts: `kTexts<"a", "b">` is one of static storage.
template <size_t kSize>
struct Text {
  constexpr Text(const char (&text)[kSize]) { std::copy_n(text, kSize, data); }  // NOLINT(google-explicit-constructor)
  constexpr std::string_view view() const { return {data, kSize - 1}; }
  char data[kSize];
};
template <Text... kEach>
constexpr std::array<std::string_view, sizeof...(kEach)> kTexts = {kEach.view()...};

constexpr CallSyntax kHermesCalls[] = {ObjectSyntax{.open = "<tool_call>", .close = "</tool_call>"}};

constexpr TagSyntax kQwenTags{.section_open = "<tool_call>",
                              .call_open = "<function=",
                              .name_end = ">",
                              .parameter_open = "<parameter=",
                              .key_end = ">",
                              .value_close = "</parameter>",
                              .call_close = "</function>",
                              .section_close = "</tool_call>",
                              .lines = true};

// Models of one vendor change between the two; each is unmistakable.
constexpr CallSyntax kQwenCoderCalls[] = {kQwenTags, kHermesCalls[0]};

constexpr CallSyntax kSeedCalls[] = {TagSyntax{.section_open = "<seed:tool_call>",
                                               .call_open = "<function=",
                                               .name_end = ">",
                                               .parameter_open = "<parameter=",
                                               .key_end = ">",
                                               .value_close = "</parameter>",
                                               .call_close = "</function>",
                                               .section_close = "</seed:tool_call>"}};

constexpr CallSyntax kGlmCalls[] = {TagSyntax{.call_open = "<tool_call>",
                                              .parameter_open = "<arg_key>",
                                              .key_end = "</arg_key>",
                                              .value_open = "<arg_value>",
                                              .value_close = "</arg_value>",
                                              .call_close = "</tool_call>"}};

constexpr CallSyntax kMiniMaxCalls[] = {TagSyntax{.section_open = "<minimax:tool_call>",
                                                  .call_open = "<invoke name=\"",
                                                  .name_end = "\">",
                                                  .parameter_open = "<parameter name=\"",
                                                  .key_end = "\">",
                                                  .value_close = "</parameter>",
                                                  .call_close = "</invoke>",
                                                  .section_close = "</minimax:tool_call>"}};

constexpr TagSyntax DsmlCalls(std::string_view section_open, std::string_view section_close) {
  return {.section_open = section_open,
          .call_open = "<｜DSML｜invoke name=\"",
          .name_end = "\">",
          .parameter_open = "<｜DSML｜parameter name=\"",
          .key_end = "\">",
          .value_close = "</｜DSML｜parameter>",
          .call_close = "</｜DSML｜invoke>",
          .section_close = section_close,
          .string_flag = "\" string=\"true",
          .json_flag = "\" string=\"false"};
}
constexpr CallSyntax kDeepSeekV32Calls[] = {DsmlCalls("<｜DSML｜function_calls>", "</｜DSML｜function_calls>")};
constexpr CallSyntax kDeepSeekV4Calls[] = {DsmlCalls("<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>")};

constexpr CallSyntax kDeepSeekV3Calls[] = {HeaderSyntax{.section_open = "<｜tool▁calls▁begin｜>",
                                                        .call_open = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
                                                        .name_end = "```json",
                                                        .call_close = "```<｜tool▁call▁end｜>",
                                                        .section_close = "<｜tool▁calls▁end｜>"}};
constexpr CallSyntax kDeepSeekV31Calls[] = {HeaderSyntax{.section_open = "<｜tool▁calls▁begin｜>",
                                                         .call_open = "<｜tool▁call▁begin｜>",
                                                         .name_end = "<｜tool▁sep｜>",
                                                         .call_close = "<｜tool▁call▁end｜>",
                                                         .section_close = "<｜tool▁calls▁end｜>"}};
constexpr CallSyntax kKimiCalls[] = {HeaderSyntax{.section_open = "<|tool_calls_section_begin|>",
                                                  .call_open = "<|tool_call_begin|>",
                                                  .name_end = "<|tool_call_argument_begin|>",
                                                  .call_close = "<|tool_call_end|>",
                                                  .section_close = "<|tool_calls_section_end|>",
                                                  .name_prefix = "functions."}};

constexpr CallSyntax kMistralCalls[] = {
    HeaderSyntax{.call_open = "[TOOL_CALLS]", .id_open = "[CALL_ID]", .name_end = "[ARGS]"},
    HeaderSyntax{.call_open = "[TOOL_CALLS]"}, ObjectSyntax{.open = "[TOOL_CALLS]", .array = true}};

// Versions before 11.
constexpr CallSyntax kMistralArrayCalls[] = {kMistralCalls[2], kMistralCalls[0], kMistralCalls[1]};

constexpr CallSyntax kLlamaJsonCalls[] = {
    ObjectSyntax{.open = "{", .arguments_key = "parameters", .separator = ";"},
    ObjectSyntax{.open = "<|python_tag|>", .arguments_key = "parameters", .separator = ";"}};

constexpr HeaderSyntax PythonicCalls(std::string_view open, std::string_view close) {
  return {.section_open = open, .arguments = &kPythonCallLiterals, .separator = ",", .section_close = close};
}
constexpr CallSyntax kPythonicCalls[] = {PythonicCalls("[", "]"),
                                         PythonicCalls("<|python_start|>[", "]<|python_end|>")};
constexpr CallSyntax kLfmCalls[] = {PythonicCalls("<|tool_call_start|>[", "]<|tool_call_end|>")};
constexpr CallSyntax kOlmoCalls[] = {HeaderSyntax{
    .section_open = "<function_calls>", .arguments = &kPythonCallLiterals, .section_close = "</function_calls>"}};

constexpr CallSyntax kGemma4Calls[] = {
    HeaderSyntax{.call_open = "<|tool_call>call:", .arguments = &kGemmaLiterals, .call_close = "<tool_call|>"}};
constexpr CallSyntax kFunctionGemmaCalls[] = {HeaderSyntax{.call_open = "<start_function_call>call:",
                                                           .arguments = &kFunctionGemmaLiterals,
                                                           .call_close = "<end_function_call>"}};

constexpr CallSyntax kGraniteCalls[] = {ObjectSyntax{.open = "<|tool_call|>", .array = true},
                                        ObjectSyntax{.open = "<tool_call>", .close = "</tool_call>"}};
constexpr CallSyntax kPhi4Calls[] = {ObjectSyntax{.open = "functools", .array = true},
                                     ObjectSyntax{.open = "<|tool_call|>", .close = "<|/tool_call|>", .array = true}};
constexpr CallSyntax kInternLmCalls[] = {
    ObjectSyntax{.open = "<|action_start|><|plugin|>", .close = "<|action_end|>", .arguments_key = "parameters"}};
constexpr CallSyntax kJambaCalls[] = {ObjectSyntax{.open = "<tool_calls>", .close = "</tool_calls>", .array = true}};
constexpr CallSyntax kCohereCalls[] = {ObjectSyntax{.open = "<|START_ACTION|>",
                                                    .close = "<|END_ACTION|>",
                                                    .name_key = "tool_name",
                                                    .arguments_key = "parameters",
                                                    .id_key = "tool_call_id",
                                                    .array = true,
                                                    .id_first = true}};
constexpr CallSyntax kApertusCalls[] = {
    ObjectSyntax{.open = "<|tools_prefix|>", .close = "<|tools_suffix|>", .name_key = "", .array = true}};

// Of those whose signs a template holds, the first: from the most to the least particular.
constexpr ReasoningFormat kReasoningFormats[] = {
    {.names = kTexts<"openai_gptoss", "gpt_oss", "gptoss", "harmony">, .signs = kTexts<"<|channel|>", "<|message|>">},
    {.names = kTexts<"gemma4">, .signs = kTexts<"<|channel>">, .open = "<|channel>thought\n", .close = "<channel|>"},
    {.names = kTexts<"seed_oss">, .signs = kTexts<"<seed:think>">, .open = "<seed:think>", .close = "</seed:think>"},
    {.names = kTexts<"mistral">, .signs = kTexts<"[THINK]">, .open = "[THINK]", .close = "[/THINK]"},
    {.names = kTexts<"cohere_command3", "cohere_command4", "cohere">,
     .signs = kTexts<"<|START_THINKING|>">,
     .open = "<|START_THINKING|>",
     .close = "<|END_THINKING|>"},
    {.names = kTexts<"apertus">,
     .signs = kTexts<"<|inner_prefix|>">,
     .open = "<|inner_prefix|>",
     .close = "<|inner_suffix|>"},
    {.names = kTexts<"granite">,
     .signs = kTexts<"Here is my thought process:", "Here is my response:">,
     .open = "Here is my thought process:",
     .close = "Here is my response:"},
    {.names = kTexts<"kimi_k2", "kimi">,
     .signs = kTexts<"<|tool_calls_section_begin|>", "</think>">,
     .open = "<think>",
     .close = "</think>",
     .ended_by_calls = true},
    {.names = kTexts<"qwen3_coder", "nemotron_v3">,
     .signs = kTexts<"</think>", "<function=">,
     .open = "<think>",
     .close = "</think>",
     .ended_by_calls = true},
    {.names =
         kTexts<"qwen3", "deepseek_v3", "deepseek_v31", "deepseek_v32", "deepseek_v4", "glm45", "glm47", "intern_s1",
                "interns1", "minimax_m2", "hunyuan_a13b", "ernie45", "lfm2", "smollm3", "exaone4", "holo2", "step3p5">,
     .signs = kTexts<"</think>">,
     .open = "<think>",
     .close = "</think>"},
    {.names = kTexts<"deepseek_r1", "qwen_qwq", "qwq", "step3", "olmo3", "qwen3_thinking">,
     .signs = {},
     .open = "<think>",
     .close = "</think>",
     .assumed = true},
};

constexpr ToolFormat kToolFormats[] = {
    {.names = kTexts<"openai", "openai_gptoss", "gpt_oss", "gptoss", "harmony">,
     .signs = kTexts<"<|channel|>", "<|message|>">,
     .syntaxes = {}},
    {.names = kTexts<"gemma4">, .signs = kTexts<"<|tool_call>">, .syntaxes = kGemma4Calls},
    {.names = kTexts<"functiongemma">, .signs = kTexts<"<start_function_call>">, .syntaxes = kFunctionGemmaCalls},
    {.names = kTexts<"deepseek_v4">, .signs = kTexts<"｜DSML｜", "tool_calls">, .syntaxes = kDeepSeekV4Calls},
    {.names = kTexts<"deepseek_v32">, .signs = kTexts<"｜DSML｜">, .syntaxes = kDeepSeekV32Calls},
    {.names = kTexts<"deepseek_v3", "deepseek_r1">,
     .signs = kTexts<"<｜tool▁calls▁begin｜>", "```json">,
     .syntaxes = kDeepSeekV3Calls},
    {.names = kTexts<"deepseek_v31">, .signs = kTexts<"<｜tool▁calls▁begin｜>">, .syntaxes = kDeepSeekV31Calls},
    {.names = kTexts<"kimi_k2", "kimi">, .signs = kTexts<"<|tool_calls_section_begin|>">, .syntaxes = kKimiCalls},
    {.names = kTexts<"minimax_m2">, .signs = kTexts<"<minimax:tool_call>">, .syntaxes = kMiniMaxCalls},
    {.names = kTexts<"seed_oss">, .signs = kTexts<"<seed:tool_call>">, .syntaxes = kSeedCalls},
    {.names = kTexts<"glm45", "glm47">, .signs = kTexts<"<arg_key>">, .syntaxes = kGlmCalls},
    {.names = kTexts<"qwen3_coder", "qwen3_xml", "qwen3coder", "nemotron_v3", "step3p5", "mimo">,
     .signs = kTexts<"<function=", "<tool_call>">,
     .syntaxes = kQwenCoderCalls},
    {.names = kTexts<"lfm2">, .signs = kTexts<"<|tool_call_start|>">, .syntaxes = kLfmCalls},
    {.names = kTexts<"olmo3">, .signs = kTexts<"<function_calls>">, .syntaxes = kOlmoCalls},
    {.names = kTexts<"cohere_command3", "cohere_command4", "cohere">,
     .signs = kTexts<"<|START_ACTION|>">,
     .syntaxes = kCohereCalls},
    {.names = kTexts<"apertus">, .signs = kTexts<"<|tools_prefix|>">, .syntaxes = kApertusCalls},
    {.names = kTexts<"internlm", "intern_s1">, .signs = kTexts<"<|action_start|>">, .syntaxes = kInternLmCalls},
    {.names = kTexts<"jamba", "hunyuan_a13b">, .signs = kTexts<"<tool_calls>">, .syntaxes = kJambaCalls},
    {.names = kTexts<"granite">, .signs = kTexts<"<|tool_call|>", "granite">, .syntaxes = kGraniteCalls},
    {.names = kTexts<"phi4_mini_json">, .signs = kTexts<"<|tool_call|>">, .syntaxes = kPhi4Calls},
    {.names = kTexts<"hermes", "qwen", "qwen2d5", "qwen3", "granite4", "smollm3", "longcat">,
     .signs = kTexts<"<tool_call>">,
     .syntaxes = kHermesCalls},
    {.names = kTexts<"mistral">, .signs = kTexts<"[TOOL_CALLS]", "[ARGS]">, .syntaxes = kMistralCalls},
    {.names = kTexts<"mistral_array">, .signs = kTexts<"[TOOL_CALLS]">, .syntaxes = kMistralArrayCalls},
    {.names = kTexts<"llama3_json", "llama3", "llama4_json">,
     .signs = kTexts<"\"parameters\"", "<|eot_id|>">,
     .syntaxes = kLlamaJsonCalls},
    {.names = kTexts<"llama4_pythonic", "pythonic">, .signs = kTexts<"<|python_start|>">, .syntaxes = kPythonicCalls},
};

bool Shows(std::string_view chat_template, std::span<const std::string_view> signs) {
  return !signs.empty() && std::ranges::all_of(signs, [chat_template](std::string_view sign) {
    return chat_template.find(sign) != std::string_view::npos;
  });
}

template <typename Format>
std::vector<std::string_view> NamesOf(std::span<const Format> formats) {
  std::vector<std::string_view> names;
  for (const Format& format : formats) names.insert(names.end(), format.names.begin(), format.names.end());
  return names;
}

std::string Joined(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text += ", " + std::string(name);
  return text;
}

template <typename Format>
absl::StatusOr<const Format*> Find(const char* what, std::span<const Format> formats, std::string_view name,
                                   std::string_view chat_template) {
  if (name == "none" || name == "identity") return nullptr;  // identity: vLLM's name of it
  // LMDeploy writes names with hyphens.
  std::string wanted(name);
  std::ranges::replace(wanted, '-', '_');
  for (const Format& format : formats) {
    const bool found = name == "auto" ? Shows(chat_template, format.signs)
                                      : std::ranges::find(format.names, wanted) != format.names.end();
    if (found) return &format;
  }
  if (name == "auto") return nullptr;
  return InvalidArgument("there is no %s parser %s; there are auto, none%s", what, name, Joined(NamesOf(formats)));
}

void AddMarkers(const CallSyntax& syntax, std::vector<std::string_view>& markers) {
  if (const auto* object = std::get_if<ObjectSyntax>(&syntax)) {
    markers.insert(markers.end(), {object->open, object->close});
  } else if (const auto* header = std::get_if<HeaderSyntax>(&syntax)) {
    markers.insert(markers.end(), {header->section_open, header->call_open, header->id_open, header->name_end,
                                   header->call_close, header->section_close});
    markers.insert(markers.end(), header->arguments->quotes.begin(), header->arguments->quotes.end());
  } else if (const auto* tags = std::get_if<TagSyntax>(&syntax)) {
    markers.insert(markers.end(),
                   {tags->section_open, tags->call_open, tags->name_end, tags->parameter_open, tags->key_end,
                    tags->value_open, tags->value_close, tags->call_close, tags->section_close});
  }
}

}  // namespace

bool OutputFormat::harmony() const {
  return (reasoning != nullptr && reasoning->open.empty()) || (tools != nullptr && tools->syntaxes.empty());
}

absl::StatusOr<const ReasoningFormat*> FindReasoningFormat(std::string_view name, std::string_view chat_template) {
  return Find<ReasoningFormat>("reasoning", kReasoningFormats, name, chat_template);
}

absl::StatusOr<const ToolFormat*> FindToolFormat(std::string_view name, std::string_view chat_template) {
  return Find<ToolFormat>("tool call", kToolFormats, name, chat_template);
}

ReasoningStart StartOf(const ReasoningFormat* reasoning, std::string_view prompt_end, bool thinks) {
  if (reasoning == nullptr) return ReasoningStart::kNone;
  if (reasoning->open.empty()) return ReasoningStart::kMayOpen;
  const std::string_view prompt = WithoutSpaceAtEnd(prompt_end);
  if (prompt.ends_with(WithoutSpaceAtEnd(reasoning->open))) return ReasoningStart::kOpen;
  if (prompt.ends_with(reasoning->close) || !thinks) return ReasoningStart::kNone;
  return reasoning->assumed ? ReasoningStart::kOpen : ReasoningStart::kMayOpen;
}

std::vector<std::string_view> ReasoningFormatNames() { return NamesOf<ReasoningFormat>(kReasoningFormats); }
std::vector<std::string_view> ToolFormatNames() { return NamesOf<ToolFormat>(kToolFormats); }

std::vector<std::string_view> MarkersOf(const OutputFormat& format) {
  if (format.harmony()) {
    return {"<|start|>", "<|channel|>", "<|constrain|>", "<|message|>", "<|end|>", "<|call|>", "<|return|>"};
  }
  std::vector<std::string_view> markers;
  if (format.reasoning != nullptr) markers = {format.reasoning->open, format.reasoning->close};
  if (format.tools != nullptr) {
    for (const CallSyntax& syntax : format.tools->syntaxes) AddMarkers(syntax, markers);
  }
  std::erase_if(markers, [](std::string_view marker) { return marker.empty(); });
  return markers;
}

}  // namespace engine
