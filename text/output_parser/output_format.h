// The forms in which models write reasoning and tool calls, by the names that users of other engines type.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "text/output_parser/call_syntax.h"

namespace engine {

// A function that a request offers.
struct ToolFunction {
  std::string name;
  std::string parameters;  // its JSON schema; empty: any object
  bool strict = false;     // a call's arguments follow it
};

struct ReasoningFormat {
  std::span<const std::string_view> names;
  std::span<const std::string_view> signs;  // a chat template that holds them all means this format
  std::string_view open;                    // empty: harmony
  std::string_view close;
  bool assumed = false;         // an answer begins with reasoning although no text opens it
  bool ended_by_calls = false;  // a call ends reasoning that nothing has closed
};

// Whether an answer begins with reasoning.
enum class ReasoningStart {
  kMayOpen,  // as the model likes
  kOpen,     // the prompt has opened it
  kNone,     // the prompt has closed it, or thinking is switched off
};

struct ToolFormat {
  std::span<const std::string_view> names;
  std::span<const std::string_view> signs;
  std::span<const CallSyntax> syntaxes;  // tried in this order; grammars are of the first. Empty: harmony
};

// A model's answers. In harmony (gpt-oss) reasoning and calls are messages of one stream.
struct OutputFormat {
  const ReasoningFormat* reasoning = nullptr;  // null: no text is reasoning
  const ToolFormat* tools = nullptr;           // null: no text is a call
  bool harmony() const;
};

// By name; "auto" is what the text of the model's chat template shows, "none" is null.
absl::StatusOr<const ReasoningFormat*> FindReasoningFormat(std::string_view name, std::string_view chat_template);
absl::StatusOr<const ToolFormat*> FindToolFormat(std::string_view name, std::string_view chat_template);

// Of an answer behind the rendered prompt that ends in `prompt_end`. thinks: the request has not switched it off.
ReasoningStart StartOf(const ReasoningFormat* reasoning, std::string_view prompt_end, bool thinks);

// All names, for help texts.
std::vector<std::string_view> ReasoningFormatNames();
std::vector<std::string_view> ToolFormatNames();

// Tokens of these texts belong to the format: they are decoded although they are control tokens.
std::vector<std::string_view> MarkersOf(const OutputFormat& format);

}  // namespace engine
