#include "server/api/error_json.h"

#include "absl/strings/cord.h"
#include "core/base/field_error.h"

namespace engine {
namespace {

constexpr char kCode[] = "engine/code";

std::string CodeOf(const absl::Status& error) {
  const auto code = error.GetPayload(kCode);
  return code ? std::string(*code) : "";
}

}  // namespace

absl::Status WithCode(std::string_view code, absl::Status status) {
  status.SetPayload(kCode, absl::Cord(absl::string_view(code.data(), code.size())));
  return status;
}

int HttpStatus(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

std::string ErrorJson(const absl::Status& status, ErrorWriter write) {
  return write(HttpStatus(status), Message(status), CodeOf(status), FieldOf(status));
}

}  // namespace engine
