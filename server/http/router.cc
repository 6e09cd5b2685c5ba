#include "server/http/router.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "core/base/nearest_name.h"

namespace engine {
namespace {

constexpr std::string_view kJson = "application/json";

bool Matches(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) return pattern == path;
  pattern.remove_suffix(1);
  return path.size() > pattern.size() && path.starts_with(pattern);
}

void SendError(const Route& route, Responder& responder, int status, std::string_view message, std::string_view code,
               HttpHeaders headers) {
  responder.Send(status, kJson, route.write_error(status, message, code, ""), std::move(headers));
}

}  // namespace

Router::Match Router::Find(std::string_view method, std::string_view path) const {
  if (method == "HEAD") method = "GET";
  Match match;
  for (const Route& route : routes_) {
    if (!Matches(route.path, path)) continue;
    if (route.method == method) return {.route = &route, .takes_method = true};
    match.route = &route;
    match.methods += (match.methods.empty() ? "" : ", ") + route.method;
  }
  return match;
}

std::string Router::NearestPath(std::string_view path) const {
  std::vector<std::string_view> known;
  for (const Route& route : routes_) {
    if (!route.path.ends_with("/*")) known.push_back(route.path);
  }
  return NearestName(path, known);
}

const Route* Router::Admit(HttpRequest& request) const {
  const Match match = Find(request.method, request.path);
  if (match.route == nullptr) return nullptr;
  request.route = match.route->path;
  if (!match.takes_method) return nullptr;
  if (match.route->is_open) return match.route;
  const std::optional<int> key = keys_->Find(request);
  request.api_key = key.value_or(-1);
  return key ? match.route : nullptr;
}

void Router::Refuse(const HttpRequest& request, Responder& responder) const {
  if (request.path.empty()) {
    return responder.Send(400, kJson, ErrorBody(400, "the path is malformed", "bad_path"));
  }
  const auto [route, takes_method, methods] = Find(request.method, request.path);
  if (route == nullptr) {
    const std::string message =
        absl::StrFormat("there is no %s here%s", request.path, DidYouMean(NearestPath(request.path)));
    return responder.Send(404, kJson, ErrorBody(404, message, "not_found"));
  }
  if (takes_method) {
    return SendError(*route, responder, 401, "this server asks for an API key: send \"Authorization: Bearer KEY\"",
                     "invalid_api_key", {{"www-authenticate", "Bearer"}});
  }
  if (request.method == "OPTIONS") return responder.Send(204, "", "", {{"allow", methods}});
  SendError(*route, responder, 405, absl::StrFormat("%s takes %s, not %s", request.path, methods, request.method),
            "method_not_allowed", {{"allow", methods}});
}

HttpHeaders Router::CorsHeaders(const HttpRequest& request) const {
  const std::string_view origin = request.Header("origin");
  if (origin.empty() || allowed_origins_.empty()) return {};
  const bool any = std::ranges::find(allowed_origins_, "*") != allowed_origins_.end();
  if (!any && std::ranges::find(allowed_origins_, origin) == allowed_origins_.end()) return {};
  HttpHeaders headers = {{"access-control-allow-origin", any ? "*" : std::string(origin)}, {"vary", "origin"}};
  if (request.method == "OPTIONS") {
    headers.emplace_back("access-control-allow-methods", "GET, POST, OPTIONS");
    const std::string_view wanted = request.Header("access-control-request-headers");
    headers.emplace_back("access-control-allow-headers", wanted.empty() ? "*" : std::string(wanted));
    headers.emplace_back("access-control-max-age", "600");
  } else {
    headers.emplace_back("access-control-expose-headers", "x-request-id");
  }
  return headers;
}

}  // namespace engine
