#include "text/output_parser/object_calls.h"

#include <optional>
#include <utility>

#include "nlohmann/json.hpp"

namespace engine {
namespace {

// What a JSON string says; none: empty.
std::string StringOf(std::string_view json) {
  const auto value = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  return value.is_string() ? value.get<std::string>() : std::string();
}

// The value that a text holds, as JSON; none: it holds something else.
std::optional<std::string> JsonIn(std::string_view text) {
  std::string json;
  LiteralReader reader(kJsonLiterals);
  const size_t used = reader.Read(text, /*ended=*/true, json);
  const std::string_view rest = text.substr(used);
  if (!reader.done() || SpaceLength(rest) != rest.size()) return std::nullopt;
  return json;
}

}  // namespace

CallParser::Next ObjectCalls::Go(size_t used, State state) {
  Advance(used);
  state_ = state;
  return Next::kGo;
}

CallParser::Next ObjectCalls::Step(std::string_view rest, bool ended, DeltaWriter& out) {
  if (state_ == State::kOpen) return ReadOpen(rest, ended);
  if (state_ == State::kValue) return ReadValue(rest, ended, out);
  if (state_ == State::kKey && !json_.empty()) return ReadKey(rest, ended);
  if (IsSpace(rest.front())) return Go(SpaceLength(rest), state_);
  const char c = rest.front();
  switch (state_) {
    case State::kObjects:
      in_array_ = c == '[';
      return Go(in_array_ ? 1 : 0, State::kObject);
    case State::kObject:
      return c == '{' ? Go(1, State::kKey) : Next::kBad;
    case State::kKey:
      if (c == '}') return EndObject(out);
      return c == '"' ? ReadKey(rest, ended) : Next::kBad;
    case State::kColon:
      return c == ':' ? Go(1, State::kValue) : Next::kBad;
    case State::kComma:
      if (c == '}') return EndObject(out);
      return c == ',' ? Go(1, State::kKey) : Next::kBad;
    case State::kAfterObject:
      return ReadAfterObject(rest, ended);
    default:
      return ReadClose(rest, ended);
  }
}

CallParser::Next ObjectCalls::ReadOpen(std::string_view rest, bool ended) {
  state_ = State::kObjects;
  if (bare()) return Next::kGo;
  return Expect(rest, syntax_.open, ended);
}

CallParser::Next ObjectCalls::ReadKey(std::string_view rest, bool ended) {
  Advance(reader_.Read(rest, ended, json_));
  if (reader_.failed()) return Next::kBad;
  if (!reader_.done()) return Next::kMore;
  key_ = StringOf(json_);
  if (syntax_.name_key.empty()) name_ = key_;
  json_.clear();
  reader_ = LiteralReader(kJsonLiterals);
  state_ = State::kColon;
  return Next::kGo;
}

CallParser::Next ObjectCalls::ReadValue(std::string_view rest, bool ended, DeltaWriter& out) {
  // Of two values for the arguments the first counts: it may have been passed on.
  const bool may_begin = at_arguments() && !name_.empty() && !begun_ && arguments_.empty();
  Advance(reader_.Read(rest, ended, json_));
  if (may_begin && json_.starts_with('{')) {
    if (!Begin(out)) return Next::kBad;
    streams_ = true;
  }
  if (streams_) {
    out.Arguments(std::exchange(json_, {}));
    Commit();
  }
  if (reader_.failed()) return Next::kBad;
  return reader_.done() ? EndValue(out) : Next::kMore;
}

CallParser::Next ObjectCalls::EndValue(DeltaWriter& out) {
  Next next = Next::kGo;
  if (at_arguments()) {
    if (!begun_ && arguments_.empty()) next = EndArguments();
  } else if (key_ == syntax_.name_key) {
    name_ = StringOf(json_);
  } else if (key_ == syntax_.id_key) {
    id_ = StringOf(json_);
  }
  json_.clear();
  streams_ = false;
  reader_ = LiteralReader(kJsonLiterals);
  state_ = State::kComma;
  // Where the key is the name, each is a call, though most models write an object for each.
  return next == Next::kGo && syntax_.name_key.empty() ? EndCall(out) : next;
}

CallParser::Next ObjectCalls::EndArguments() {
  arguments_ = json_;
  if (!json_.starts_with('"')) return Next::kGo;
  // Some models write the arguments as the text of an object.
  const std::string text = StringOf(json_);
  const auto json = text.empty() ? text : JsonIn(text);
  arguments_ = json.value_or("");
  return json ? Next::kGo : Next::kBad;
}

bool ObjectCalls::Begin(DeltaWriter& out) {
  if (bare() && !types_.Knows(name_)) return false;
  out.BeginCall(name_, id_);
  return begun_ = true;
}

CallParser::Next ObjectCalls::EndCall(DeltaWriter& out) {
  if (!begun_) {
    // Some models leave out the arguments when there are none; an answer in JSON that has a name does as well.
    if (name_.empty() || (bare() && arguments_.empty())) return Next::kBad;
    if (arguments_.empty() || arguments_ == "null") arguments_ = "{}";
    if (!arguments_.starts_with('{') || !Begin(out)) return Next::kBad;
    out.Arguments(arguments_);
  }
  Commit();
  begun_ = false;
  for (std::string* text : {&key_, &id_, &arguments_}) text->clear();
  return Next::kGo;
}

CallParser::Next ObjectCalls::EndObject(DeltaWriter& out) {
  if (syntax_.name_key.empty() ? name_.empty() : EndCall(out) == Next::kBad) return Next::kBad;
  name_.clear();
  Go(1, State::kAfterObject);
  Commit();
  return Next::kGo;
}

CallParser::Next ObjectCalls::ReadAfterObject(std::string_view rest, bool ended) {
  const char c = rest.front();
  if (in_array_) {
    if (c == ',') return Go(1, State::kObject);
    if (c != ']') return Next::kBad;
    Go(1, State::kClose);
    Commit();
    return Next::kGo;
  }
  if (!syntax_.separator.empty()) {
    const Match match = StartsWith(rest, syntax_.separator, ended);
    if (match == Match::kMaybe) return Next::kMore;
    if (match == Match::kYes) return Go(syntax_.separator.size(), State::kObject);
  }
  state_ = State::kClose;
  return Next::kGo;
}

CallParser::Next ObjectCalls::ReadClose(std::string_view rest, bool ended) {
  if (syntax_.close.empty()) return Next::kDone;
  const Next next = Expect(rest, syntax_.close, ended);
  return next == Next::kMore ? next : Next::kDone;
}

void ObjectCalls::Reset() {
  state_ = State::kOpen;
  reader_ = LiteralReader(kJsonLiterals);
  in_array_ = streams_ = begun_ = false;
  for (std::string* text : {&json_, &key_, &name_, &id_, &arguments_}) text->clear();
}

}  // namespace engine
