#include "cli/flag_value.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "absl/strings/ascii.h"

namespace engine {
namespace {

template <typename T>
bool Read(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

template <typename T>
absl::Status ReadInteger(std::string_view text, T& value) {
  if (Read(text, value)) return absl::OkStatus();
  return InvalidArgument("is '%s'; it must be a whole number from %d to %d", text, std::numeric_limits<T>::min(),
                         std::numeric_limits<T>::max());
}

}  // namespace

absl::Status ReadValue(std::string_view text, bool& value) {
  constexpr std::string_view kTrue[] = {"true", "yes", "on", "1"};
  constexpr std::string_view kFalse[] = {"false", "no", "off", "0"};
  std::string lower(text);  // YAML has True and TRUE as well
  absl::AsciiStrToLower(&lower);
  value = std::ranges::find(kTrue, lower) != std::end(kTrue);
  if (value || std::ranges::find(kFalse, lower) != std::end(kFalse)) return absl::OkStatus();
  return InvalidArgument("is '%s'; it must be true or false", text);
}

absl::Status ReadValue(std::string_view text, int& value) { return ReadInteger(text, value); }
absl::Status ReadValue(std::string_view text, int64_t& value) { return ReadInteger(text, value); }
absl::Status ReadValue(std::string_view text, uint64_t& value) { return ReadInteger(text, value); }

absl::Status ReadValue(std::string_view text, float& value) {
  return Read(text, value) ? absl::OkStatus() : InvalidArgument("is '%s'; it must be a number", text);
}

absl::Status ReadValue(std::string_view text, std::string& value) {
  value = text;
  return absl::OkStatus();
}

absl::Status ReadValue(std::string_view text, std::pair<int32_t, float>& value) {
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && Read(text.substr(0, colon), value.first) &&
      Read(text.substr(colon + 1), value.second)) {
    return absl::OkStatus();
  }
  return InvalidArgument("is '%s'; it must be a token id, a colon and a number, as in 42:-1.5", text);
}

}  // namespace engine
