// The forms in which models write reasoning and tool calls, by the names that users of other engines type.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace engine {

// A function that a request offers.
struct ToolFunction {
  std::string name;
  std::string parameters;  // its JSON schema; empty: any object
};

struct ReasoningFormat;
struct ToolFormat;

// `names` in an error are all there are. "none" and "" are null; "auto" is what RecognizeOutputFormat says.
absl::StatusOr<const ReasoningFormat*> FindReasoningFormat(std::string_view name, std::string_view chat_template);
absl::StatusOr<const ToolFormat*> FindToolFormat(std::string_view name, std::string_view chat_template);

// What the text of a chat template says about the model's answers; null: nothing.
struct OutputFormat {
  const ReasoningFormat* reasoning = nullptr;
  const ToolFormat* tools = nullptr;
};
OutputFormat RecognizeOutputFormat(std::string_view chat_template);

// Tokens of these texts belong to the formats: they are decoded although they are control tokens.
std::vector<std::string> MarkersOf(const OutputFormat& format);

// The text that ends reasoning early, when a thinking budget is spent: what the model is made to write.
std::string_view ReasoningEnd(const ReasoningFormat& format);

// What an answer must be, as a Lark grammar of llguidance (special tokens by their texts).
struct CallGrammarOptions {
  bool required = false;  // at least one call and nothing else (tool_choice required, or a named function)
  bool parallel = true;   // more than one call
};
// Reasoning that the prompt has opened is allowed first. Empty if this format has no grammar for that: then an answer
// under `required` is constrained to the function's name and arguments as JSON by the caller.
std::string CallGrammar(const OutputFormat& format, std::span<const ToolFunction> functions,
                        const CallGrammarOptions& options);

}  // namespace engine
