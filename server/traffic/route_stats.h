// How the requests that one model of a route answers go, so that models can be compared by /metrics.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "engine/engine_stats.h"

namespace engine {

// Any thread may call everything.
class RouteStats {
 public:
  struct Counts {
    int64_t requests = 0;  // that have begun
    RequestStats ended;    // of which this has some times, tokens, failures and cancellations
  };

  void Begin();
  // Of those that have begun, each ends in one of three ways.
  void Fail();
  void Cancel();  // its client has gone
  // first_token, total: seconds since it came; first_token is nullopt where an answer has no token. per_token: mean seconds
  // between tokens, of each of its answers that has two.
  void End(std::optional<double> first_token, double total, std::span<const double> per_token, int64_t tokens);

  Counts Read() const;

 private:
  mutable std::mutex mutex_;
  Counts counts_;  // guarded by mutex_
};

}  // namespace engine
