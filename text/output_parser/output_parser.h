// What a model writes, taken apart as it arrives: reasoning, content, tool calls.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/output_parser/output_format.h"

namespace engine {

// A piece of an answer. Pieces of one kind (and one call) in a row are one text.
struct OutputDelta {
  enum class Kind { kContent, kReasoning, kToolCallBegin, kToolArguments };

  Kind kind = Kind::kContent;
  std::string text;     // kToolCallBegin: the function's name; kToolArguments: a piece of a JSON object
  int call = 0;         // of the two call kinds: calls are counted from 0
  std::string call_id;  // kToolCallBegin: as the model wrote it; most write none

  bool operator==(const OutputDelta&) const = default;
};

// A state machine over text. How the text is cut into pieces changes how deltas are cut, nothing else. Text in whole code
// points gives deltas in whole code points.
//
// Nothing throws, and no text is lost but markers and the white space beside them: what fits no format is content.
// Arguments are valid JSON once they are whole; those of a call that breaks off, or that goes on as no call does, stay
// unfinished, so that nobody runs it.
class OutputParser {
 public:
  virtual ~OutputParser() = default;

  virtual void Push(std::string_view text, std::vector<OutputDelta>& out) = 0;
  // The text has ended. Nothing is pushed afterwards.
  virtual void Finish(std::vector<OutputDelta>& out) = 0;

  // What has arrived so far ends within reasoning: its tokens count towards a thinking budget.
  virtual bool in_reasoning() const = 0;
};

struct OutputParserOptions {
  OutputFormat format;
  std::vector<ToolFunction> functions;  // that the request offers; without any, no text is a call
  ReasoningStart start = ReasoningStart::kMayOpen;
};

// Null when the format has nothing to take apart.
std::unique_ptr<OutputParser> MakeOutputParser(const OutputParserOptions& options);

}  // namespace engine
