// The fields of a JSON object as a table: one row per field says what it does. Nothing that a client sends is dropped
// silently: a field without a row is refused by its name, and so is one with a row that says why it is not supported.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/nearest_name.h"
#include "server/api/json_value.h"
#include "server/api/sent_names.h"

namespace engine {

template <typename T>
struct Field {
  using Reader = absl::Status (*)(const FieldValue& value, T& out);

  std::string_view name;
  std::string_view type;  // JSON schema's word, which values have; several: "string|array"; empty: any
  Reader read = nullptr;
  std::string_view help = {};  // of a field that cannot be read: why, or what to send instead

  // A field without a reader is accepted where it asks for what happens anyway: when its value is this JSON text, or
  // whatever it is where this is "*".
  std::string_view neutral = {};

  // Of a field that no policy lets pass, because its client would go on as if it had been heard: what programs know the
  // refusal by.
  std::string_view code = {};

  // What its schema says besides: items of a list, properties of an object (openapi.h).
  Json (*shape)() = nullptr;
};

// More than any table has.
inline constexpr size_t kMaxFields = 256;

struct FieldPolicy {
  bool lenient;                        // unknown and unsupported fields become warnings
  std::vector<std::string>* warnings;  // borrowed
  const SentNames* sent = nullptr;     // borrowed; of what warnings are about
};

// Says in an answer what of its request was ignored.
void AddWarnings(const std::vector<std::string>& warnings, Json& answer);

// What to do with a field of the right type that has no effect here: nothing where its value is neutral, else an error
// or a warning.
absl::Status Unsupported(const FieldValue& value, std::string_view neutral, std::string_view help,
                         const FieldPolicy& policy);
// The error of a field that is refused whatever the policy.
absl::Status Refused(const FieldValue& value, std::string_view code, std::string_view help);
absl::Status UnknownField(const std::string& path, const std::string& nearest, const FieldPolicy& policy);

// Reads every field of an object. null stands for a field that is not there. Fields are read in the order of the
// tables, not in the object's.
template <typename T>
absl::Status ReadFields(const FieldValue& object, std::initializer_list<std::span<const Field<T>>> tables,
                        const FieldPolicy& policy, T& out) {
  RETURN_IF_ERROR(MustBeObject(object));
  RETURN_IF_ERROR(CheckSize(object, kMaxFields));
  std::vector<std::string_view> known;
  for (const std::span<const Field<T>> table : tables) {
    for (const Field<T>& field : table) {
      known.push_back(field.name);
      const auto found = object.json.find(std::string(field.name));
      if (found == object.json.end() || found->is_null()) continue;
      const FieldValue value = object.At(std::string(field.name));
      RETURN_IF_ERROR(MustBe(value, field.type));
      if (!field.code.empty()) return Refused(value, field.code, field.help);
      RETURN_IF_ERROR(field.read != nullptr ? field.read(value, out)
                                            : Unsupported(value, field.neutral, field.help, policy));
    }
  }
  for (const auto& [key, value] : object.json.items()) {
    if (value.is_null() || std::find(known.begin(), known.end(), key) != known.end()) continue;
    RETURN_IF_ERROR(UnknownField(object.path.empty() ? key : object.path + "." + key, NearestName(key, known), policy));
  }
  return absl::OkStatus();
}

}  // namespace engine
