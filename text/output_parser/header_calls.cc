#include "text/output_parser/header_calls.h"

namespace engine {

CallParser::Next HeaderCalls::Step(std::string_view rest, bool ended, DeltaWriter& out) {
  if (state_ == State::kSection) return ExpectThen(rest, syntax_.section_open, ended, State::kCall);
  if (state_ == State::kArguments) return ReadArguments(rest, ended, out);
  if (IsSpace(rest.front())) {
    Advance(SpaceLength(rest));
    return Next::kGo;
  }
  switch (state_) {
    case State::kCall:
      return ExpectThen(rest, syntax_.call_open, ended, State::kName);
    case State::kName:
      return ReadName(rest, ended);
    case State::kId:
      return ReadId(rest);
    case State::kNameEnd:
      return ExpectThen(rest, syntax_.name_end, ended, State::kBegin);
    case State::kBegin:
      return Begin(rest, out);
    case State::kCallClose:
      return ReadCallClose(rest, ended);
    default:
      return ReadNext(rest, ended);
  }
}

CallParser::Next HeaderCalls::ExpectThen(std::string_view rest, std::string_view marker, bool ended, State state) {
  const Next next = marker.empty() ? Next::kGo : Expect(rest, marker, ended);
  if (next == Next::kGo) state_ = state;
  return next;
}

CallParser::Next HeaderCalls::ReadName(std::string_view rest, bool ended) {
  const size_t length = NameLength(rest);
  if (length > kMaxNameBytes) return Next::kBad;
  if (length == rest.size()) return Next::kMore;
  if (length == 0) return Next::kBad;
  const std::string_view after = rest.substr(length);
  const Match id = syntax_.id_open.empty() ? Match::kNo : StartsWith(after, syntax_.id_open, ended);
  if (id == Match::kMaybe) return Next::kMore;
  name_ = rest.substr(0, length);
  Advance(length + (id == Match::kYes ? syntax_.id_open.size() : 0));
  state_ = id == Match::kYes ? State::kId : State::kNameEnd;
  return Next::kGo;
}

CallParser::Next HeaderCalls::ReadId(std::string_view rest) {
  const size_t length = NameLength(rest);
  if (length > kMaxNameBytes) return Next::kBad;
  if (length == rest.size()) return Next::kMore;
  id_ = rest.substr(0, length);
  Advance(length);
  state_ = State::kNameEnd;
  return Next::kGo;
}

CallParser::Next HeaderCalls::Begin(std::string_view rest, DeltaWriter& out) {
  std::string_view name = name_;
  if (!syntax_.name_prefix.empty()) {
    id_ = name_;
    if (name.starts_with(syntax_.name_prefix)) name.remove_prefix(syntax_.name_prefix.size());
    name = name.substr(0, name.rfind(':'));
  }
  const char bracket = syntax_.arguments->call_arguments ? '(' : '{';
  if (rest.front() != bracket || name.empty() || (bare() && !types_.Knows(name))) return Next::kBad;
  out.BeginCall(name, id_);
  Commit();
  state_ = State::kArguments;
  return Next::kGo;
}

CallParser::Next HeaderCalls::ReadArguments(std::string_view rest, bool ended, DeltaWriter& out) {
  std::string json;
  Advance(reader_.Read(rest, ended, json));
  Commit();
  out.Arguments(json);
  if (reader_.failed()) return Next::kBad;
  if (!reader_.done()) return Next::kMore;
  reader_ = LiteralReader(*syntax_.arguments);
  name_.clear();
  id_.clear();
  state_ = State::kCallClose;
  return Next::kGo;
}

CallParser::Next HeaderCalls::ReadCallClose(std::string_view rest, bool ended) {
  const Next next = ExpectThen(rest, syntax_.call_close, ended, State::kNext);
  if (next == Next::kGo) Commit();
  return next;
}

CallParser::Next HeaderCalls::ReadNext(std::string_view rest, bool ended) {
  if (syntax_.section_open.empty()) return Next::kDone;
  const Next close = syntax_.section_close.empty() ? Next::kBad : Expect(rest, syntax_.section_close, ended);
  if (close != Next::kBad) return close == Next::kGo ? Next::kDone : close;
  const std::string_view more = syntax_.separator.empty() ? syntax_.call_open : syntax_.separator;
  const Match match = StartsWith(rest, more, ended);
  if (match == Match::kMaybe) return Next::kMore;
  if (match == Match::kNo) return Next::kDone;
  if (!syntax_.separator.empty()) Advance(more.size());
  state_ = State::kCall;
  return Next::kGo;
}

void HeaderCalls::Reset() {
  state_ = State::kSection;
  reader_ = LiteralReader(*syntax_.arguments);
  name_.clear();
  id_.clear();
}

}  // namespace engine
