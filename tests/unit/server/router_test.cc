#include "server/http/router.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/unit/server/recorded_answer.h"

namespace engine {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Pair;

Router MakeRouter(std::vector<std::string> keys, std::vector<std::string> origins = {}) {
  const auto echo = [](const std::shared_ptr<const HttpRequest>& request, const std::shared_ptr<Responder>& responder) {
    responder->Send(200, "text/plain", request->path + " by key " + std::to_string(request->api_key));
  };
  return {{{"GET", "/health", echo, true},
           {"GET", "/v1/models", echo},
           {"GET", "/v1/models/*", echo},
           {"POST", "/v1/models", echo},
           {"POST", "/v1/messages", echo, false, AnthropicErrorBody}},
          ApiKeys::Create(std::move(keys)).value(),
          std::move(origins)};
}

RecordedAnswer Ask(const Router& router, HttpRequest request) {
  const auto answer = std::make_shared<RecordedAnswer>();
  const Route* route = router.Admit(request);
  if (route == nullptr) {
    router.Refuse(request, *answer);
  } else {
    route->handler(std::make_shared<HttpRequest>(std::move(request)), answer);
  }
  return *answer;
}

TEST(Router, FindsExactPathsAndWhatLiesBelow) {
  const Router router = MakeRouter({});
  EXPECT_EQ(Ask(router, {.method = "GET", .path = "/v1/models"}).body, "/v1/models by key -1");
  EXPECT_EQ(Ask(router, {.method = "HEAD", .path = "/v1/models"}).status, 200);
  EXPECT_EQ(Ask(router, {.method = "GET", .path = "/v1/models/org/name"}).body, "/v1/models/org/name by key -1");
  EXPECT_EQ(Ask(router, {.method = "GET", .path = "/v1/models/"}).status, 404);
}

TEST(Router, ErrorsHaveOpenAisShape) {
  const Router router = MakeRouter({});
  const RecordedAnswer missing = Ask(router, {.method = "GET", .path = "/wp-login.php\xff"});
  EXPECT_EQ(missing.status, 404);
  const auto body = nlohmann::json::parse(missing.body);
  EXPECT_EQ(body["error"]["code"], "not_found");
  EXPECT_TRUE(body["error"]["message"].is_string());
  EXPECT_EQ(nlohmann::json::parse(Ask(router, {.method = "POST", .path = "/messages"}).body)["error"]["message"],
            "there is no /messages here; did you mean /v1/messages?");
  const RecordedAnswer method = Ask(router, {.method = "DELETE", .path = "/v1/models"});
  EXPECT_EQ(method.status, 405);
  EXPECT_THAT(method.headers, Contains(Pair("allow", "GET, POST")));
}

TEST(Router, ErrorsOfARouteHaveTheShapeThatItsClientsRead) {
  const Router router = MakeRouter({"key"});
  for (const auto& [method, status, type] :
       {std::tuple{"GET", 405, "invalid_request_error"}, {"POST", 401, "authentication_error"}}) {
    const RecordedAnswer answer = Ask(router, {.method = method, .path = "/v1/messages"});
    EXPECT_EQ(answer.status, status);
    const auto body = nlohmann::json::parse(answer.body);
    EXPECT_EQ(body["type"], "error");
    EXPECT_EQ(body["error"]["type"], type);
  }
}

TEST(Router, TellsWhichRouteARequestIsFor) {
  const Router router = MakeRouter({});
  const auto route_of = [&](const std::string& method, const std::string& path) {
    HttpRequest request{.method = method, .path = path};
    router.Admit(request);
    return request.route;
  };
  EXPECT_EQ(route_of("GET", "/v1/models/a/b"), "/v1/models/*");
  EXPECT_EQ(route_of("PUT", "/v1/models"), "/v1/models");
  EXPECT_EQ(route_of("GET", "/wp-login.php"), "");
}

TEST(Router, AsksForAKeyExceptOnOpenRoutes) {
  const Router router = MakeRouter({"first", "second"});
  EXPECT_EQ(Ask(router, {.method = "GET", .path = "/health"}).status, 200);
  EXPECT_EQ(Ask(router, {.method = "GET", .path = "/v1/models"}).status, 401);
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer firsT", "Bearer first2", "Basic first"}) {
    HttpRequest request{.method = "GET", .path = "/v1/models", .headers = {{"Authorization", wrong}}};
    EXPECT_EQ(Ask(router, request).status, 401) << wrong;
  }
  EXPECT_EQ(Ask(router, {.method = "GET", .path = "/v1/models", .headers = {{"authorization", "bearer second"}}}).body,
            "/v1/models by key 1");
  EXPECT_EQ(Ask(router, {.method = "GET", .path = "/v1/models", .headers = {{"X-Api-Key", "first"}}}).body,
            "/v1/models by key 0");
}

TEST(Router, ReplacedKeysHoldFromTheNextRequestOn) {
  const auto keys = ApiKeys::Create({"old"}).value();
  const auto number = [&](const char* key) {
    return keys->Find(HttpRequest{.headers = {{"authorization", std::string("Bearer ") + key}}});
  };
  const auto finds = [&](const char* key) { return number(key).has_value(); };
  EXPECT_TRUE(keys->Replace({"new", "old"}).ok());
  EXPECT_EQ(number("old"), 0) << "it keeps its number";
  EXPECT_EQ(number("new"), 1);
  EXPECT_TRUE(keys->Replace({"other", "new"}).ok());
  EXPECT_EQ(number("other"), 2) << "which nobody else gets";
  EXPECT_FALSE(finds("old"));
  EXPECT_TRUE(finds("new"));
  EXPECT_FALSE(keys->Replace({"x", ""}).ok());
  EXPECT_FALSE(keys->Replace({}).ok());
  EXPECT_TRUE(finds("other"));
  EXPECT_FALSE(finds("x"));
}

TEST(Router, KeysThatNoRequestCanBringAreRefused) {
  for (const std::string key : {"", "a\nb", " a", "a ", "a\x7f"}) EXPECT_FALSE(ApiKeys::Create({"a", key}).ok()) << key;
  EXPECT_TRUE(ApiKeys::Create({"a b", "schlüssel"}).ok());
}

TEST(Router, PagesOfAllowedOriginsMayCall) {
  const Router router = MakeRouter({"key"}, {"https://chat.example"});
  const HttpRequest preflight{
      .method = "OPTIONS",
      .path = "/v1/models",
      .headers = {{"Origin", "https://chat.example"}, {"Access-Control-Request-Headers", "authorization"}}};
  EXPECT_EQ(Ask(router, preflight).status, 204);  // a preflight carries no key
  EXPECT_THAT(router.CorsHeaders(preflight), Contains(Pair("access-control-allow-headers", "authorization")));
  EXPECT_THAT(router.CorsHeaders({.method = "GET", .headers = {{"Origin", "https://other.example"}}}), IsEmpty());
  EXPECT_THAT(MakeRouter({}, {"*"}).CorsHeaders({.method = "GET", .headers = {{"Origin", "https://other.example"}}}),
              Contains(Pair("access-control-allow-origin", "*")));
}

}  // namespace
}  // namespace engine
