#include "server/api/error_json.h"

#include "absl/strings/cord.h"

namespace engine {
namespace {

constexpr char kParam[] = "engine/param";
constexpr char kCode[] = "engine/code";

void SetDetail(absl::Status& status, const char* key, std::string_view value) {
  if (!value.empty()) status.SetPayload(key, absl::Cord(absl::string_view(value.data(), value.size())));
}

std::string Detail(const absl::Status& status, const char* key) {
  const auto payload = status.GetPayload(key);
  return payload ? std::string(*payload) : "";
}

}  // namespace

absl::Status WithDetails(absl::Status status, std::string_view param, std::string_view code) {
  SetDetail(status, kParam, param);
  SetDetail(status, kCode, code);
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
  return write(HttpStatus(status), Message(status), Detail(status, kCode), Detail(status, kParam));
}

}  // namespace engine
