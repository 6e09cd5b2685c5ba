#include "text/output_parser/json_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

namespace engine {
namespace {

// Removes the digits that `text` begins with, and returns how many.
size_t SkipDigits(std::string_view& text) {
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[digits]))) ++digits;
  text.remove_prefix(digits);
  return digits;
}

bool Skip(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool IsJsonNumber(std::string_view text) {
  Skip(text, "-");
  const bool leading_zero = text.starts_with('0');
  const size_t digits = SkipDigits(text);
  if (digits == 0 || (leading_zero && digits > 1)) return false;
  if (Skip(text, ".") && SkipDigits(text) == 0) return false;
  if (Skip(text, "eE")) {
    Skip(text, "+-");
    if (SkipDigits(text) == 0) return false;
  }
  return text.empty();
}

}  // namespace

void AppendJsonEscaped(std::string_view text, std::string& json) {
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (c == '\n') {
      json += "\\n";
    } else if (c == '\t') {
      json += "\\t";
    } else if (c == '\r') {
      json += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&json, "\\u%04x", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
}

std::optional<std::string_view> JsonWord(std::string_view word) {
  if (word == "true" || word == "True") return "true";
  if (word == "false" || word == "False") return "false";
  if (word == "null" || word == "None") return "null";
  if (IsJsonNumber(word)) return word;
  return std::nullopt;
}

}  // namespace engine
