// Flag values as text, read into their types. Errors name the text and what it must be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"

namespace engine {

absl::Status ReadValue(std::string_view text, bool& value);  // true, yes, on, 1 and their opposites
absl::Status ReadValue(std::string_view text, int& value);
absl::Status ReadValue(std::string_view text, int64_t& value);
absl::Status ReadValue(std::string_view text, uint64_t& value);
absl::Status ReadValue(std::string_view text, float& value);
absl::Status ReadValue(std::string_view text, std::string& value);
absl::Status ReadValue(std::string_view text, std::pair<int32_t, float>& value);  // TOKEN:BIAS

template <typename T>
absl::Status ReadValue(std::string_view text, std::optional<T>& value) {
  return ReadValue(text, value.emplace());
}

// Comma-separated; adds to what is there.
template <typename T>
absl::Status ReadValue(std::string_view text, std::vector<T>& values) {
  while (true) {
    const size_t comma = text.find(',');
    RETURN_IF_ERROR(ReadValue(text.substr(0, comma), values.emplace_back()));
    if (comma == std::string_view::npos) return absl::OkStatus();
    text.remove_prefix(comma + 1);
  }
}

// Texts are taken whole: a stop string may hold a comma.
inline absl::Status ReadValue(std::string_view text, std::vector<std::string>& values) {
  values.emplace_back(text);
  return absl::OkStatus();
}

}  // namespace engine
