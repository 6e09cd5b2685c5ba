#include "server/gate.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/json.h"

namespace engine {
namespace {

constexpr char kJson[] = "application/json";
constexpr char kLoadingReason[] = "the model is loading";
constexpr char kDrainingReason[] = "the server is shutting down";

void Refuse(Responder& responder, std::string_view reason, ErrorWriter write_error) {
  responder.Send(503, kJson, write_error(503, reason, "unavailable", ""), {{"retry-after", "1"}});
}

// The bodies that llama.cpp's and vLLM's clients look for; probes read only the status.
void SendHealth(Responder& responder, const std::string& reason) {
  if (reason.empty()) return responder.Send(200, kJson, R"({"status":"ok"})");
  const nlohmann::ordered_json body = {{"status", "unavailable"},
                                       {"error", {{"code", 503}, {"message", reason}, {"type", "unavailable_error"}}}};
  // A model's name may be no UTF-8.
  responder.Send(503, kJson, JsonText(body));
}

Route HealthRoute(const char* path, const Gate& gate, std::string (Gate::*reason)() const) {
  return {.method = "GET",
          .path = path,
          .handler = [&gate, reason](
                         const std::shared_ptr<const HttpRequest>&,
                         const std::shared_ptr<Responder>& responder) { SendHealth(*responder, (gate.*reason)()); },
          .is_open = true};
}

}  // namespace

void Gate::Open(std::vector<Route> routes) {
  std::lock_guard lock(mutex_);
  ENGINE_CHECK(routes.size() == num_guards_);
  routes_ = std::move(routes);
  if (state_ == State::kLoading) state_ = State::kOpen;
}

void Gate::Drain() {
  std::lock_guard lock(mutex_);
  state_ = State::kDraining;
}

void Gate::SetStalled(std::optional<std::string> reason) {
  std::lock_guard lock(mutex_);
  stalled_ = std::move(reason);
}

std::string Gate::NotReady() const {
  std::lock_guard lock(mutex_);
  if (state_ == State::kLoading) return kLoadingReason;
  if (state_ == State::kDraining) return kDrainingReason;
  return stalled_.value_or("");
}

std::string Gate::NotHealthy() const {
  std::lock_guard lock(mutex_);
  return state_ == State::kLoading ? kLoadingReason : stalled_.value_or("");
}

Route Gate::Guard(const Route& like) {
  Route guard = like;
  guard.handler = [this, index = num_guards_++, write_error = like.write_error](
                      std::shared_ptr<const HttpRequest> request, std::shared_ptr<Responder> responder) {
    HttpHandler handler = HandlerIfOpen(index);
    if (handler == nullptr) return Refuse(*responder, NotReady(), write_error);
    handler(std::move(request), std::move(responder));
  };
  return guard;
}

HttpHandler Gate::HandlerIfOpen(size_t index) const {
  std::lock_guard lock(mutex_);
  return state_ == State::kOpen ? routes_[index].handler : nullptr;
}

std::vector<Route> HealthRoutes(const Gate& gate) {
  return {
      {.method = "GET",
       .path = "/livez",
       .handler = [](const std::shared_ptr<const HttpRequest>&,
                     const std::shared_ptr<Responder>& responder) { SendHealth(*responder, ""); },
       .is_open = true},
      HealthRoute("/readyz", gate, &Gate::NotReady),
      HealthRoute("/health", gate, &Gate::NotHealthy),
      HealthRoute("/v1/health", gate, &Gate::NotHealthy),  // llama.cpp's other name
      HealthRoute("/ping", gate, &Gate::NotHealthy),       // vLLM's
  };
}

}  // namespace engine
