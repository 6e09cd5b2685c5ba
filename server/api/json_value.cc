#include "server/api/json_value.h"

#include <cmath>
#include <limits>
#include <utility>

namespace engine {
namespace {

// A value short enough to be read in a message.
std::string Shown(const Json& json) {
  if (json.is_object()) return "an object";
  if (json.is_array()) return "an array";
  constexpr size_t kMaxShown = 60;
  const std::string text = JsonText(json);
  return text.size() <= kMaxShown ? text : "a long string";
}

absl::Status ValueError(const FieldValue& value, std::string_view message) {
  return value.path.empty() ? InvalidArgument("the body %s", message) : FieldError(value.path, message);
}

absl::Status WrongType(const FieldValue& value, std::string_view wanted) {
  return ValueError(value, absl::StrFormat("is %s; it must be %s", Shown(value.json), wanted));
}

template <typename T>
bool Fits(const Json& json) {
  using Limits = std::numeric_limits<T>;
  if (json.is_number_unsigned()) return std::in_range<T>(json.get<uint64_t>());
  if (json.is_number_integer()) return std::in_range<T>(json.get<int64_t>());
  // 2^31 or 2^63 itself, which a double holds and T does not.
  const double number = json.get<double>(), end = -static_cast<double>(Limits::min());
  return number >= -end && number < end;
}

// Clients write 16.0 where they mean 16.
bool IsWhole(const Json& json) {
  return json.is_number_integer() || (json.is_number_float() && std::trunc(json.get<double>()) == json.get<double>());
}

template <typename T>
absl::Status GetInteger(const FieldValue& value, T& out) {
  const Json& json = value.json;
  if (!IsWhole(json)) return WrongType(value, "an integer");
  if (!Fits<T>(json)) return FieldError(value.path, "is a number beyond every limit");
  out = json.get<T>();
  return absl::OkStatus();
}

}  // namespace

FieldValue FieldValue::At(size_t index) const { return {absl::StrFormat("%s[%d]", path, index), json[index]}; }

FieldValue FieldValue::At(const std::string& key) const {
  return {path.empty() ? key : path + "." + key, json.at(key)};
}

absl::Status Get(const FieldValue& value, bool& out) {
  if (!value.json.is_boolean()) return WrongType(value, "true or false");
  out = value.json.get<bool>();
  return absl::OkStatus();
}

absl::Status Get(const FieldValue& value, int& out) { return GetInteger(value, out); }
absl::Status Get(const FieldValue& value, int64_t& out) { return GetInteger(value, out); }

absl::Status Get(const FieldValue& value, float& out) {
  if (!value.json.is_number()) return WrongType(value, "a number");
  out = static_cast<float>(value.json.get<double>());
  if (!std::isfinite(out)) return FieldError(value.path, "is a number beyond every limit");
  return absl::OkStatus();
}

absl::Status Get(const FieldValue& value, std::string& out) {
  if (!value.json.is_string()) return WrongType(value, "a string");
  out = value.json.get<std::string>();
  return absl::OkStatus();
}

absl::Status MustBe(const FieldValue& value, std::string_view types) {
  if (types.empty()) return absl::OkStatus();
  const Json& json = value.json;
  const struct {
    std::string_view type, words;
    bool fits;
  } kinds[] = {{"string", "a string", json.is_string()},  {"array", "an array", json.is_array()},
               {"object", "an object", json.is_object()}, {"integer", "an integer", IsWhole(json)},
               {"number", "a number", json.is_number()},  {"boolean", "true or false", json.is_boolean()}};
  std::string wanted;
  for (const auto& [type, words, fits] : kinds) {
    if (types.find(type) == std::string_view::npos) continue;
    if (fits) return absl::OkStatus();
    wanted += (wanted.empty() ? "" : " or ") + std::string(words);
  }
  return WrongType(value, wanted);
}

absl::Status CheckSize(const FieldValue& value, size_t max_size) {
  if (value.json.size() <= max_size) return absl::OkStatus();
  return ValueError(value, absl::StrFormat("has %d entries; it may have %d", value.json.size(), max_size));
}

absl::Status MustBeArray(const FieldValue& value, size_t max_size) {
  if (!value.json.is_array()) return WrongType(value, "an array");
  return CheckSize(value, max_size);
}

absl::Status MustBeObject(const FieldValue& value) {
  return value.json.is_object() ? absl::OkStatus() : WrongType(value, "an object");
}

absl::Status GetWord(const FieldValue& value, std::initializer_list<std::string_view> words, int& out) {
  std::string list;
  for (const std::string_view& word : words) {
    if (value.json.is_string() && value.json.get_ref<const std::string&>() == word) {
      out = static_cast<int>(&word - words.begin());
      return absl::OkStatus();
    }
    list += (list.empty() ? "\"" : ", \"") + std::string(word) + "\"";
  }
  return WrongType(value, "one of " + list);
}

void AppendText(std::string_view text, std::string& to) {
  constexpr std::string_view kEscaped = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt";
  to += '"';
  for (const char c : text) {
    if (const size_t found = kEscaped.find(c); found != std::string_view::npos) {
      to += {'\\', kLetters[found]};
    } else if (static_cast<uint8_t>(c) < ' ') {
      absl::StrAppendFormat(&to, "\\u%04x", c);
    } else {
      to += c;
    }
  }
  to += '"';
}

}  // namespace engine
