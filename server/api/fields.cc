#include "server/api/fields.h"

#include "core/base/nearest_name.h"
#include "server/api/error_json.h"

namespace engine {
namespace {

absl::Status Refuse(absl::Status error, const FieldPolicy& policy) {
  if (!policy.lenient) return error;
  if (policy.sent != nullptr) error = policy.sent->Translate(error);
  policy.warnings->push_back(std::string(Message(error)) + " (ignored)");
  return absl::OkStatus();
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

absl::Status Refused(const FieldValue& value, std::string_view code, std::string_view help) {
  return WithCode(code, FieldError(value.path, absl::StrFormat("is not supported: %s", help)));
}

absl::Status UnknownField(const std::string& path, const std::string& nearest, const FieldPolicy& policy) {
  return Refuse(FieldError(path, "is not a field of this request" + DidYouMean(nearest)), policy);
}

}  // namespace engine
