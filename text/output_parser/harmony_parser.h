// Answers in harmony (gpt-oss): a row of messages, each with a header that says what it is.
// <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…<|return|>
#pragma once

#include <string>
#include <vector>

#include "text/output_parser/delta_writer.h"
#include "text/output_parser/held_text.h"
#include "text/output_parser/literal_reader.h"
#include "text/output_parser/output_parser.h"

namespace engine {

// analysis is reasoning; final, and commentary to nobody, is content; what is addressed (to=functions.NAME) is a call.
class HarmonyParser : public OutputParser {
 public:
  // calls: the request offers functions; without, what is addressed to one is content.
  explicit HarmonyParser(bool calls) : calls_(calls) {}

  void Push(std::string_view text, std::vector<OutputDelta>& out) override;
  void Finish(std::vector<OutputDelta>& out) override;
  bool in_reasoning() const override { return state_ == State::kBody && body_ == Body::kReasoning; }

 private:
  enum class State { kHeader, kBody };
  enum class Body { kContent, kReasoning, kArguments };

  void Run();
  bool Step() { return state_ == State::kHeader ? StepHeader() : StepBody(); }  // false: more text must come
  bool StepHeader();
  bool StepBody();
  void BeginBody(std::string_view header);
  size_t ReadArguments(std::string_view text, bool ended);

  const bool calls_;
  HeldText text_;
  DeltaWriter out_;
  State state_ = State::kHeader;
  Body body_ = Body::kContent;
  std::string function_;  // of a call that no argument has come of
  LiteralReader arguments_{kJsonLiterals};
};

}  // namespace engine
