#include "server/http/error_body.h"

#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

Json TextOrNull(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

std::string ErrorBody(std::string_view message, std::string_view type, std::string_view code, std::string_view param) {
  const Json body = {
      {"error", {{"message", message}, {"type", type}, {"param", TextOrNull(param)}, {"code", TextOrNull(code)}}}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace engine
