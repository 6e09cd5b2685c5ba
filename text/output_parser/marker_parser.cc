#include "text/output_parser/marker_parser.h"

#include <algorithm>
#include <utility>

namespace engine {

MarkerParser::MarkerParser(const OutputParserOptions& options)
    : reasoning_(options.format.reasoning), types_(options.functions) {
  if (options.start == ReasoningStart::kOpen) {
    state_ = State::kReasoning;
    between_ = true;
  }
  if (options.format.tools == nullptr || options.functions.empty()) return;
  for (const CallSyntax& syntax : options.format.tools->syntaxes) {
    call_parsers_.push_back(MakeCallParser(syntax, types_));
    if (call_parsers_.back()->only_first()) continue;
    for (const std::string_view opener : call_parsers_.back()->openers()) openers_.push_back(opener);
  }
}

void MarkerParser::Push(std::string_view text, std::vector<OutputDelta>& out) {
  text_.Append(text);
  Run();
  out_.Drain(out);
}

void MarkerParser::Finish(std::vector<OutputDelta>& out) {
  text_.End();
  Run();
  if (state_ != State::kReasoning && !between_) Flush();
  out_.Drain(out);
}

void MarkerParser::Run() {
  while (!text_.view().empty() && Step()) continue;
  // A call that ended with the text still has to learn of it.
  if (text_.view().empty() && text_.ended() && state_ == State::kCall) StepCall();
}

bool MarkerParser::Step() {
  switch (state_) {
    case State::kBoundary:
      return StepBoundary();
    case State::kContent:
      return StepContent();
    case State::kReasoning:
      return StepReasoning();
    case State::kCall:
      return StepCall();
  }
  return false;
}

bool MarkerParser::StepBoundary() {
  if (const size_t space = SpaceLength(text_.view()); space > 0) {
    space_ += text_.Take(space);
    return true;
  }
  const std::string_view text = text_.view();
  const Match thought = reasoning_ == nullptr ? Match::kNo : StartsWith(text, reasoning_->open, text_.ended());
  const Match call = FindCall(text);
  if (thought == Match::kMaybe || call == Match::kMaybe) return false;
  if (thought == Match::kYes) {
    text_.Take(reasoning_->open.size());
    state_ = State::kReasoning;
  } else {
    state_ = call == Match::kYes ? State::kCall : State::kContent;
  }
  if (state_ == State::kContent) {
    if (between_) space_.erase(0, space_.rfind('\n') + 1);
  } else {
    between_ = true;
    space_.clear();
  }
  return true;
}

Match MarkerParser::FindCall(std::string_view text) {
  candidates_.clear();
  Match any = Match::kNo;
  for (const auto& parser : call_parsers_) {
    if (parser->only_first() && !first_) continue;
    for (const std::string_view opener : parser->openers()) {
      const Match match = StartsWith(text, opener, text_.ended());
      if (match == Match::kMaybe) any = Match::kMaybe;
      if (match != Match::kYes) continue;
      if (candidates_.empty() || candidates_.back() != parser.get()) candidates_.push_back(parser.get());
      opener_bytes_ = opener.size();
    }
  }
  return any == Match::kNo && !candidates_.empty() ? Match::kYes : any;
}

bool MarkerParser::StepContent() {
  const Found found = FindFirst(text_.view(), openers_, text_.ended());
  Say(found.at, OutputDelta::Kind::kContent);
  if (found.marker == Found::kNone) return false;
  FindCall(text_.view());
  state_ = State::kCall;
  return true;
}

bool MarkerParser::StepReasoning() {
  std::vector<std::string_view> ends = {reasoning_->close};
  if (reasoning_->ended_by_calls) ends.insert(ends.end(), openers_.begin(), openers_.end());
  const Found found = FindFirst(text_.view(), ends, text_.ended());
  Say(found.at, OutputDelta::Kind::kReasoning);
  if (found.marker == Found::kNone) return false;
  if (found.marker == 0) text_.Take(reasoning_->close.size());
  state_ = State::kBoundary;
  between_ = true;
  space_.clear();
  return true;
}

bool MarkerParser::StepCall() {
  const CallParser::Result result = candidates_.front()->Read(text_, out_);
  if (result == CallParser::Result::kMore) return false;
  if (result == CallParser::Result::kNoCall) {
    candidates_.erase(candidates_.begin());
    if (!candidates_.empty()) return true;
    // Its opener is a text like any other, and a call may begin right behind.
    state_ = State::kContent;
    Say(opener_bytes_, OutputDelta::Kind::kContent);
    return true;
  }
  first_ = false;
  state_ = State::kBoundary;
  between_ = true;
  space_.clear();
  return true;
}

void MarkerParser::Say(size_t size, OutputDelta::Kind kind) {
  std::string_view text = text_.Take(size);
  if (between_ && kind == OutputDelta::Kind::kReasoning) text.remove_prefix(SpaceLength(text));
  const std::string_view said = WithoutSpaceAtEnd(text);
  if (!said.empty()) {
    kind == OutputDelta::Kind::kReasoning ? out_.Reasoning(space_) : out_.Content(space_);
    space_.clear();
    kind == OutputDelta::Kind::kReasoning ? out_.Reasoning(said) : out_.Content(said);
    between_ = false;
    first_ = first_ && kind == OutputDelta::Kind::kReasoning;
  }
  space_ += text.substr(said.size());
}

void MarkerParser::Flush() {
  out_.Content(space_);
  space_.clear();
}

}  // namespace engine
