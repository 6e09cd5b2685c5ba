#include "core/base/field_error.h"

#include "absl/strings/cord.h"

namespace engine {
namespace {

constexpr char kField[] = "engine/field";

}  // namespace

absl::Status FieldError(std::string_view field, std::string_view message) {
  return About(field, InvalidArgument("%s %s", field, message));
}

absl::Status About(std::string_view field, absl::Status status) {
  status.SetPayload(kField, absl::Cord(absl::string_view(field.data(), field.size())));
  return status;
}

std::string FieldOf(const absl::Status& error) {
  const auto field = error.GetPayload(kField);
  return field ? std::string(*field) : "";
}

}  // namespace engine
