// Typed values of a request's JSON. Errors name the field by its path: "messages[2].role is 7; it must be a string".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/field_error.h"
#include "core/base/json.h"

namespace engine {

using Json = nlohmann::ordered_json;

// A value and where it stands.
struct FieldValue {
  std::string path;
  const Json& json;

  FieldValue At(size_t index) const;            // of an array
  FieldValue At(const std::string& key) const;  // of an object that has it
};

// Refuse values of another type, and numbers that do not fit.
absl::Status Get(const FieldValue& value, bool& out);
absl::Status Get(const FieldValue& value, int& out);
absl::Status Get(const FieldValue& value, int64_t& out);
absl::Status Get(const FieldValue& value, float& out);
absl::Status Get(const FieldValue& value, std::string& out);

template <typename T>
absl::Status Get(const FieldValue& value, std::optional<T>& out) {
  return Get(value, out.emplace());
}

// Refuses values of a type that is not among these JSON schema's words: "string|array"; empty: any may be.
absl::Status MustBe(const FieldValue& value, std::string_view types);
absl::Status CheckSize(const FieldValue& value, size_t max_size);
absl::Status MustBeArray(const FieldValue& value, size_t max_size);
absl::Status MustBeObject(const FieldValue& value);

template <typename T>
absl::Status GetList(const FieldValue& value, size_t max_size, std::vector<T>& out) {
  RETURN_IF_ERROR(MustBeArray(value, max_size));
  for (size_t i = 0; i < value.json.size(); ++i) RETURN_IF_ERROR(Get(value.At(i), out.emplace_back()));
  return absl::OkStatus();
}

// One of the words; out is its index.
absl::Status GetWord(const FieldValue& value, std::initializer_list<std::string_view> words, int& out);

// Adds a text as JsonText writes it, at a fraction of the cost. It must be UTF-8.
void AppendText(std::string_view text, std::string& to);

}  // namespace engine
