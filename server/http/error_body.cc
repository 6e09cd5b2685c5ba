#include "server/http/error_body.h"

#include "core/base/json.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

Json TextOrNull(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string_view TypeOf(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 429:
      return "rate_limit_error";
    case 500:
      return "server_error";
    case 503:
      return "service_unavailable_error";
    case 504:
      return "timeout_error";
    default:
      return "invalid_request_error";
  }
}

std::string_view AnthropicTypeOf(int status) {
  switch (status) {
    case 404:
      return "not_found_error";
    case 500:
      return "api_error";
    case 503:
      return "overloaded_error";
    default:
      return TypeOf(status);
  }
}

}  // namespace

std::string ErrorBody(int status, std::string_view message, std::string_view code, std::string_view param) {
  return JsonText(
      {{"error",
        {{"message", message}, {"type", TypeOf(status)}, {"param", TextOrNull(param)}, {"code", TextOrNull(code)}}}});
}

std::string AnthropicErrorBody(int status, std::string_view message, std::string_view code, std::string_view) {
  Json error = {{"type", AnthropicTypeOf(status)}, {"message", message}};
  if (!code.empty()) error["details"] = {{"error_code", code}};
  return JsonText({{"type", "error"}, {"error", std::move(error)}});
}

}  // namespace engine
