// Answers of running text, in which markers show reasoning and calls.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/output_parser/call_parser.h"
#include "text/output_parser/delta_writer.h"
#include "text/output_parser/held_text.h"
#include "text/output_parser/output_parser.h"

namespace engine {

// Reasoning is what stands between its markers where an answer begins or a call has ended; elsewhere they are content.
class MarkerParser : public OutputParser {
 public:
  explicit MarkerParser(const OutputParserOptions& options);

  void Push(std::string_view text, std::vector<OutputDelta>& out) override;
  void Finish(std::vector<OutputDelta>& out) override;
  bool in_reasoning() const override { return state_ == State::kReasoning; }

 private:
  // kBoundary: nothing is open, and white space up to the next line belongs to the markers around it.
  enum class State { kBoundary, kContent, kReasoning, kCall };

  void Run();
  bool Step();  // false: more text must come
  bool StepBoundary();
  bool StepContent();
  bool StepReasoning();
  bool StepCall();

  // The parsers that a call at the start of `text` may be for; kMaybe: more must come.
  Match FindCall(std::string_view text);
  // Hands out the first `size` bytes, but for white space at their end, which may stand before a marker.
  void Say(size_t size, OutputDelta::Kind kind);
  void Flush();

  const ReasoningFormat* reasoning_;
  const ParameterTypes types_;
  std::vector<std::unique_ptr<CallParser>> call_parsers_;
  std::vector<std::string_view> openers_;  // of calls anywhere in a text

  HeldText text_;
  DeltaWriter out_;
  State state_ = State::kBoundary;
  bool first_ = true;                    // of the answer, nothing but reasoning and white space has come
  bool between_ = false;                 // a marker was the last thing before
  std::string space_;                    // white space of content or reasoning that waits for what follows
  std::vector<CallParser*> candidates_;  // for the call that is read, the first one reading
  size_t opener_bytes_ = 0;
};

}  // namespace engine
