// From a request to its handler: keys, routes, and the answers for those that have none.
#pragma once

#include <vector>

#include "server/http/api_keys.h"
#include "server/http/handler.h"

namespace engine {

class Router {
 public:
  // allowed_origins: of web pages that may call (CORS); "*" allows all.
  Router(std::vector<Route> routes, std::shared_ptr<const ApiKeys> keys, std::vector<std::string> allowed_origins)
      : routes_(std::move(routes)), keys_(std::move(keys)), allowed_origins_(std::move(allowed_origins)) {}

  // Whose handler answers the request; null: Refuse does. Sets the request's route and key. Its body does not count, and
  // may still be coming. HEAD is answered like GET, whose body the connection drops.
  const Route* Admit(HttpRequest& request) const;
  // 400, 401, 404, 405, and the answer to preflight requests.
  void Refuse(const HttpRequest& request, Responder& responder) const;

  // What CORS adds to any answer of this request.
  HttpHeaders CorsHeaders(const HttpRequest& request) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Match {
    const Route* route = nullptr;  // null: none has the path
    bool takes_method = false;
    std::string methods;  // that the path takes, where it does not take this one
  };
  Match Find(std::string_view method, std::string_view path) const;
  std::string NearestPath(std::string_view path) const;  // of the routes'; empty: none is near

  std::vector<Route> routes_;
  std::shared_ptr<const ApiKeys> keys_;  // shared with who replaces them
  std::vector<std::string> allowed_origins_;
};

}  // namespace engine
