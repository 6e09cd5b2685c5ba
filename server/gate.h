// Whether the server works, and why not; the doors that open and close with it.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/http/handler.h"

namespace engine {

// Any thread may call everything.
class Gate {
 public:
  enum class State { kLoading, kOpen, kDraining };

  // From loading to open, where `routes` answer; from there to draining.
  void Open(std::vector<Route> routes);
  void Drain();

  // What the watchdog found; nullopt: all is well.
  void SetStalled(std::optional<std::string> reason);

  // Why no request should be sent here now; empty: send them. A request that comes all the same is answered while the
  // state is open: the watchdog may be wrong, and who waits may go on.
  std::string NotReady() const;
  // Why the engine does not work, loading included, draining not; empty: it does.
  std::string NotHealthy() const;

  // Stands in front of the route `like`: answers 503 with the reason unless open, and else lets the route of its method
  // and path answer.
  Route Guard(const Route& like);

 private:
  HttpHandler HandlerIfOpen(size_t index) const;

  mutable std::mutex mutex_;  // guards what follows
  State state_ = State::kLoading;
  std::optional<std::string> stalled_;
  size_t num_guards_ = 0;
  std::vector<Route> routes_;  // in the order of their guards
};

// /livez, /readyz and /health, for anybody.
std::vector<Route> HealthRoutes(const Gate& gate);

}  // namespace engine
