#include "text/output_parser/tag_calls.h"

#include <array>
#include <utility>

#include "text/output_parser/json_text.h"

namespace engine {
namespace {

// A held value as JSON: what it says in JSON or Python, otherwise its text.
std::string ValueJson(std::string_view value, ParameterType type) {
  std::string json;
  LiteralReader reader(kPythonLiterals);
  const std::string text = std::string(value) + "\n";  // ends a number
  const size_t used = reader.Read(text, true, json);
  const bool whole = reader.done() && SpaceLength(std::string_view(text).substr(used)) == text.size() - used;
  // Quotes belong to a text that nobody calls JSON.
  if (whole && (type == ParameterType::kOther || !json.starts_with('"'))) return json;
  json = "\"";
  AppendJsonEscaped(value, json);
  return json + '"';
}

}  // namespace

std::vector<std::string_view> TagCalls::openers() const {
  if (syntax_.section_open.empty()) return {syntax_.call_open};
  return {syntax_.section_open, syntax_.call_open};
}

CallParser::Next TagCalls::Go(size_t used, State state) {
  Advance(used);
  state_ = state;
  return Next::kGo;
}

CallParser::Next TagCalls::Step(std::string_view rest, bool ended, DeltaWriter& out) {
  switch (state_) {
    case State::kValueBegin:
      return BeginValue(rest, ended, out);
    case State::kString:
      return ReadString(rest, ended, out);
    case State::kHeld:
      return ReadHeld(rest, ended, out);
    case State::kKey:
      return ReadKey(rest, ended);
    default:
      break;
  }
  if (IsSpace(rest.front())) return Go(SpaceLength(rest), state_);
  switch (state_) {
    case State::kSection:
      return ReadSection(rest, ended);
    case State::kCall: {
      const Next next = Expect(rest, syntax_.call_open, ended);
      if (next == Next::kGo) state_ = State::kName;
      return next;
    }
    case State::kName:
      return ReadName(rest, ended);
    case State::kBegin:
      return Begin(rest, ended, out);
    case State::kValueOpen: {
      const Next next = Expect(rest, syntax_.value_open, ended);
      if (next == Next::kGo) state_ = State::kValueBegin;
      return next;
    }
    case State::kParameter:
      return ReadParameter(rest, ended, out);
    default:
      return ReadCallClose(rest, ended);
  }
}

CallParser::Next TagCalls::ReadSection(std::string_view rest, bool ended) {
  state_ = State::kCall;
  if (syntax_.section_open.empty()) return Next::kGo;
  const Match match = StartsWith(rest, syntax_.section_open, ended);
  if (match == Match::kYes) Advance(syntax_.section_open.size());
  return Next::kGo;
}

CallParser::Next TagCalls::ReadName(std::string_view rest, bool ended) {
  const size_t length = NameLength(rest);
  if (length == 0 || length > kMaxNameBytes) return Next::kBad;
  const std::string_view after = rest.substr(length);
  const Match end = syntax_.name_end.empty() ? Match::kYes : StartsWith(after, syntax_.name_end, ended);
  if (after.empty() || end == Match::kMaybe) return Next::kMore;
  if (end == Match::kNo) return Next::kBad;
  name_ = rest.substr(0, length);
  return Go(length + syntax_.name_end.size(), State::kBegin);
}

CallParser::Next TagCalls::Begin(std::string_view rest, bool ended, DeltaWriter& out) {
  const Match parameter = StartsWith(rest, syntax_.parameter_open, ended);
  const Match close = StartsWith(rest, syntax_.call_close, ended);
  if (parameter != Match::kYes && close != Match::kYes) {
    return parameter == Match::kMaybe || close == Match::kMaybe ? Next::kMore : Next::kBad;
  }
  out.BeginCall(name_, "");
  out.Arguments("{");
  Commit();
  first_ = true;
  return Go(0, State::kParameter);
}

CallParser::Next TagCalls::ReadParameter(std::string_view rest, bool ended, DeltaWriter& out) {
  const std::string_view markers[] = {syntax_.call_close, syntax_.parameter_open};
  bool undecided = false;
  for (const std::string_view marker : markers) {
    const Match match = StartsWith(rest, marker, ended);
    undecided = undecided || match == Match::kMaybe;
    if (match != Match::kYes) continue;
    const bool closes = marker == syntax_.call_close;
    Go(marker.size(), closes ? State::kCallClose : State::kKey);
    if (closes) {
      out.Arguments("}");
      Commit();
    }
    return Next::kGo;
  }
  return undecided ? Next::kMore : Next::kBad;
}

CallParser::Next TagCalls::ReadKey(std::string_view rest, bool ended) {
  const std::array<std::string_view, 1> end = {syntax_.key_end};
  const Found found = FindFirst(rest, end, ended);
  if (found.at > kMaxNameBytes) return Next::kBad;
  if (found.marker == Found::kNone) return Next::kMore;
  std::string_view key = rest.substr(0, found.at);
  type_ = ParameterType::kUnknown;
  for (const std::string_view flag : {syntax_.string_flag, syntax_.json_flag}) {
    if (flag.empty() || !key.ends_with(flag)) continue;
    key.remove_suffix(flag.size());
    type_ = flag == syntax_.string_flag ? ParameterType::kString : ParameterType::kOther;
  }
  key_ = key;
  if (type_ == ParameterType::kUnknown) type_ = types_.Of(name_, key_);
  return Go(found.at + syntax_.key_end.size(), syntax_.value_open.empty() ? State::kValueBegin : State::kValueOpen);
}

Match TagCalls::IsNull(std::string_view rest, bool ended) const {
  Match any = Match::kNo;
  for (const char* null : {"null", "null\n"}) {
    const Match match = StartsWith(rest, null + std::string(syntax_.value_close), ended);
    if (match != Match::kNo && any != Match::kYes) any = match;
  }
  return any;
}

CallParser::Next TagCalls::BeginValue(std::string_view rest, bool ended, DeltaWriter& out) {
  const size_t line_break = syntax_.lines && rest.front() == '\n' ? 1 : 0;
  const std::string_view value = rest.substr(line_break);
  bool is_string = type_ == ParameterType::kString;
  if (type_ == ParameterType::kStringOrNull) {
    const Match null = IsNull(value, ended);
    if (null == Match::kMaybe) return Next::kMore;
    is_string = null == Match::kNo;
  }
  std::string json = std::exchange(first_, false) ? "\"" : ", \"";
  AppendJsonEscaped(key_, json);
  json += is_string ? "\": \"" : "\": ";
  out.Arguments(json);
  value_.clear();
  Go(line_break, is_string ? State::kString : State::kHeld);
  Commit();
  return Next::kGo;
}

Found TagCalls::FindValueClose(std::string_view rest, bool ended, size_t& length) const {
  const std::string in_line = "\n" + std::string(syntax_.value_close);
  const std::array<std::string_view, 2> ends = {syntax_.value_close, in_line};
  const Found found = FindFirst(rest, std::span(ends).first(syntax_.lines ? 2 : 1), ended);
  length = found.marker == Found::kNone ? 0 : ends[static_cast<size_t>(found.marker)].size();
  return found;
}

CallParser::Next TagCalls::ReadString(std::string_view rest, bool ended, DeltaWriter& out) {
  size_t close = 0;
  const Found found = FindValueClose(rest, ended, close);
  std::string json;
  AppendJsonEscaped(rest.substr(0, found.at), json);
  if (close > 0) json += '"';
  out.Arguments(json);
  Go(found.at + close, close > 0 ? State::kParameter : State::kString);
  Commit();
  return close > 0 ? Next::kGo : Next::kMore;
}

CallParser::Next TagCalls::ReadHeld(std::string_view rest, bool ended, DeltaWriter& out) {
  size_t close = 0;
  const Found found = FindValueClose(rest, ended, close);
  value_ += rest.substr(0, found.at);
  if (close > 0) out.Arguments(ValueJson(value_, type_));
  Go(found.at + close, close > 0 ? State::kParameter : State::kHeld);
  Commit();
  return close > 0 ? Next::kGo : Next::kMore;
}

CallParser::Next TagCalls::ReadCallClose(std::string_view rest, bool ended) {
  bool undecided = false;
  if (!syntax_.section_close.empty()) {
    const Next close = Expect(rest, syntax_.section_close, ended);
    if (close == Next::kGo) return Next::kDone;
    undecided = close == Next::kMore;
  }
  const Match call = StartsWith(rest, syntax_.call_open, ended);
  if (undecided || call == Match::kMaybe) return Next::kMore;
  if (call == Match::kNo || syntax_.section_open.empty()) return Next::kDone;
  return Go(0, State::kCall);
}

void TagCalls::Cut(DeltaWriter& out) {
  if (state_ == State::kHeld) out.Arguments(value_);
}

void TagCalls::Reset() {
  state_ = State::kSection;
  name_.clear();
  value_.clear();
}

}  // namespace engine
