#include "text/output_parser/literal_reader.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/ascii.h"
#include "text/output_parser/held_text.h"
#include "text/output_parser/json_text.h"

namespace engine {
namespace {

constexpr std::array<std::string_view, 1> kJsonQuotes = {"\""};
constexpr std::array<std::string_view, 2> kPythonQuotes = {"\"", "'"};
constexpr std::array<std::string_view, 1> kGemmaQuotes = {"<|\"|>"};
constexpr std::array<std::string_view, 1> kFunctionGemmaQuotes = {"<escape>"};

// Containers within containers; what reads the arguments afterwards has a limit as well.
constexpr size_t kMaxDepth = 64;
// Digits of a number: more than any double has.
constexpr size_t kMaxWordBytes = 400;
constexpr size_t kMaxBareKeyBytes = 256;

bool IsHexDigit(char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); }
bool IsWordByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("+-._").find(c) != std::string_view::npos;
}
bool IsKeyByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("_-.$").find(c) != std::string_view::npos;
}

// How long "\ud83d" is, half of what stands for a character beyond U+FFFF.
constexpr size_t kHalfBytes = 6;
// Their second digits: 8 to b come first.
constexpr std::string_view kFirstHalves = "89abAB", kSecondHalves = "cdefCDEF", kSurrogates = "89abABcdefCDEF";

bool IsSurrogate(std::string_view text, std::string_view of) {
  return text.size() >= kHalfBytes && text.starts_with("\\u") && (text[2] == 'd' || text[2] == 'D') &&
         of.find(text[3]) != std::string_view::npos && IsHexDigit(text[4]) && IsHexDigit(text[5]);
}

// Half of a pair is no character, and readers of JSON refuse it.
size_t ReadSurrogate(std::string_view text, bool ended, std::string& json) {
  const std::string_view next = text.substr(kHalfBytes);
  if (IsSurrogate(text, kFirstHalves)) {
    const bool may_be_pair = std::string_view("\\u").starts_with(next.substr(0, 2));
    if (next.size() < kHalfBytes && may_be_pair && !ended) return 0;
    if (IsSurrogate(next, kSecondHalves)) {
      json += text.substr(0, 2 * kHalfBytes);
      return 2 * kHalfBytes;
    }
  }
  json += "\\ufffd";
  return kHalfBytes;
}

// Of the bytes of a kind that `text` begins with.
size_t LengthOf(std::string_view text, bool (*is)(char)) {
  return static_cast<size_t>(std::ranges::find_if_not(text, is) - text.begin());
}

}  // namespace

const LiteralStyle kJsonLiterals{.quotes = kJsonQuotes};
const LiteralStyle kPythonLiterals{.quotes = kPythonQuotes};
const LiteralStyle kPythonCallLiterals{.quotes = kPythonQuotes, .call_arguments = true};
const LiteralStyle kGemmaLiterals{.quotes = kGemmaQuotes, .escapes = false, .bare_keys = true};
const LiteralStyle kFunctionGemmaLiterals{.quotes = kFunctionGemmaQuotes, .escapes = false, .bare_keys = true};

size_t LiteralReader::Read(std::string_view text, bool ended, std::string& json) {
  size_t used = 0;
  while (!done() && !failed() && used < text.size()) {
    const State before = state_;
    const size_t step = Step(text.substr(used), ended, json);
    used += step;
    if (step == 0 && state_ == before) break;
  }
  return used;
}

size_t LiteralReader::Step(std::string_view text, bool ended, std::string& json) {
  const char c = text.front();
  if (state_ == State::kString) return ReadString(text, ended, json);
  if (IsSpace(c)) return SpaceLength(text);
  switch (state_) {
    case State::kValue:
      return ReadValue(text, ended, json);
    case State::kKey:
      return ReadKey(text, ended, json);
    case State::kAssign:
      if (c != ':') return Fail();
      json += ": ";
      state_ = State::kValue;
      return 1;
    case State::kComma:
      if (c == closers_.back()) return Close(json);
      if (c != ',') return Fail();
      state_ = closers_.back() == ']' ? State::kValue : State::kKey;
      return 1;
    default:
      return Fail();
  }
}

size_t LiteralReader::ReadValue(std::string_view text, bool ended, std::string& json) {
  const char c = text.front();
  const bool in_array = !closers_.empty() && closers_.back() == ']';
  if (in_array && c == ']') return Close(json);
  if (closers_.empty() && style_->call_arguments) return c == '(' ? Open(c, json) : Fail();
  bool undecided = false;
  if (const size_t quote = OpenQuote(text, ended, undecided); quote > 0) {
    if (in_array) Comma(json);
    json += '"';
    is_key_ = false;
    return quote;
  }
  if (undecided) return 0;
  if (c != '{' && c != '[') return ReadWord(text, ended, json);
  if (in_array) Comma(json);
  return Open(c, json);
}

size_t LiteralReader::ReadKey(std::string_view text, bool ended, std::string& json) {
  if (text.front() == closers_.back()) return Close(json);
  if (closers_.back() == ')' || style_->bare_keys) return ReadBareKey(text, ended, json);
  bool undecided = false;
  const size_t quote = OpenQuote(text, ended, undecided);
  if (quote == 0) return undecided ? 0 : Fail();
  Comma(json);
  json += '"';
  is_key_ = true;
  return quote;
}

// With what assigns, so that a text that is no key can still be something else.
size_t LiteralReader::ReadBareKey(std::string_view text, bool ended, std::string& json) {
  const size_t length = LengthOf(text, IsKeyByte);
  const size_t assign = length + SpaceLength(text.substr(length));
  if (length == 0 || assign > kMaxBareKeyBytes) return Fail();
  if (assign == text.size() && !ended) return 0;
  if (assign == text.size() || text[assign] != (closers_.back() == ')' ? '=' : ':')) return Fail();
  Comma(json);
  json += '"' + std::string(text.substr(0, length)) + "\": ";
  state_ = State::kValue;
  return assign + 1;
}

size_t LiteralReader::OpenQuote(std::string_view text, bool ended, bool& undecided) {
  for (const std::string_view quote : style_->quotes) {
    const Match match = StartsWith(text, quote, ended);
    if (match == Match::kMaybe) undecided = true;
    if (match != Match::kYes) continue;
    quote_ = quote;
    state_ = State::kString;
    return quote.size();
  }
  return 0;
}

size_t LiteralReader::ReadString(std::string_view text, bool ended, std::string& json) {
  const std::array<std::string_view, 2> ends = {quote_, "\\"};
  const Found found = FindFirst(text, std::span(ends).first(style_->escapes ? 2 : 1), ended);
  AppendJsonEscaped(text.substr(0, found.at), json);
  if (found.marker == Found::kNone) return found.at;
  if (found.marker == 1) return found.at + ReadEscape(text.substr(found.at), ended, json);
  json += '"';
  if (is_key_) {
    state_ = State::kAssign;
  } else {
    EndValue();
  }
  return found.at + quote_.size();
}

size_t LiteralReader::ReadEscape(std::string_view text, bool ended, std::string& json) {
  const char c = text.size() > 1 ? text[1] : '\0';
  const size_t digits = c == 'u' ? 4 : c == 'x' ? 2 : 0;
  const size_t found = std::min(LengthOf(text.substr(std::min<size_t>(2, text.size())), IsHexDigit), digits);
  if (2 + found > text.size() || (found < digits && 2 + found == text.size())) {
    if (!ended) return 0;
  } else if (digits > 0 && found == digits) {
    if (digits == 4 && IsSurrogate(text, kSurrogates)) return ReadSurrogate(text, ended, json);
    json += digits == 4 ? "\\u" : "\\u00";
    json += text.substr(2, digits);
    return 2 + digits;
  } else if (c == '\'') {
    json += c;
    return 2;
  } else if (std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos) {
    json += text.substr(0, 2);
    return 2;
  }
  // As Python has it: no escape, so the backslash stands for itself.
  json += "\\\\";
  return 1;
}

size_t LiteralReader::ReadWord(std::string_view text, bool ended, std::string& json) {
  const size_t length = LengthOf(text, IsWordByte);
  const bool cut = length == text.size();
  if (length == 0 || length > kMaxWordBytes) return Fail();
  if (cut && !ended) return 0;
  const std::optional<std::string_view> word = JsonWord(text.substr(0, length));
  if (!word && !cut) return Fail();
  if (!closers_.empty() && closers_.back() == ']') Comma(json);
  json += word.value_or(text);
  EndValue();
  return length;
}

size_t LiteralReader::Open(char bracket, std::string& json) {
  if (closers_.size() == kMaxDepth) return Fail();
  closers_ += bracket == '(' ? ')' : bracket == '{' ? '}' : ']';
  json += bracket == '[' ? '[' : '{';
  first_item_ = true;
  state_ = bracket == '[' ? State::kValue : State::kKey;
  return 1;
}

size_t LiteralReader::Close(std::string& json) {
  json += closers_.back() == ']' ? ']' : '}';
  closers_.pop_back();
  EndValue();
  return 1;
}

void LiteralReader::Comma(std::string& json) {
  if (!first_item_) json += ", ";
  first_item_ = false;
}

void LiteralReader::EndValue() {
  first_item_ = false;
  state_ = closers_.empty() ? State::kDone : State::kComma;
}

size_t LiteralReader::Fail() {
  state_ = State::kFailed;
  return 0;
}

}  // namespace engine
