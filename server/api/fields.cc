#include "server/api/fields.h"

#include <algorithm>
#include <numeric>

#include "server/api/error_json.h"

namespace engine {
namespace {

absl::Status Refuse(absl::Status error, const FieldPolicy& policy) {
  if (!policy.lenient) return error;
  if (policy.sent != nullptr) error = policy.sent->Translate(error);
  policy.warnings->push_back(std::string(Message(error)) + " (ignored)");
  return absl::OkStatus();
}

// Insertions, deletions and replacements that make one name of the other.
size_t Distance(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < from.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < to.size(); ++j) {
      const size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

void AddWarnings(const std::vector<std::string>& warnings, Json& answer) {
  if (!warnings.empty()) answer["warnings"] = warnings;
}

absl::Status Unsupported(const FieldValue& value, std::string_view neutral, std::string_view help,
                         const FieldPolicy& policy) {
  // Compared as values, so that 0 and 0.0 are the same.
  if (neutral == "*" || (!neutral.empty() && value.json == Json::parse(neutral))) return absl::OkStatus();
  return Refuse(FieldError(value.path, absl::StrFormat("is not supported: %s", help)), policy);
}

absl::Status UnknownField(const std::string& path, const std::string& nearest, const FieldPolicy& policy) {
  const std::string hint = nearest.empty() ? "" : "; did you mean " + nearest + "?";
  return Refuse(FieldError(path, "is not a field of this request" + hint), policy);
}

std::string NearestField(std::string_view name, const std::vector<std::string_view>& names) {
  constexpr size_t kMaxName = 64;  // no field is longer; the comparison takes the product of the lengths
  if (name.size() > kMaxName) return {};
  std::string_view best;
  size_t best_distance = name.size() / 3 + 1;  // a third of the letters may be wrong
  for (const std::string_view candidate : names) {
    const size_t distance = Distance(name, candidate);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return std::string(best);
}

}  // namespace engine
