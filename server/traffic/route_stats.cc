#include "server/traffic/route_stats.h"

namespace engine {

void RouteStats::Begin() {
  std::lock_guard lock(mutex_);
  ++counts_.requests;
}

void RouteStats::Fail() {
  std::lock_guard lock(mutex_);
  ++counts_.ended.failed;
}

void RouteStats::Cancel() {
  std::lock_guard lock(mutex_);
  ++counts_.ended.cancelled;
}

void RouteStats::End(std::optional<double> first_token, double total, std::span<const double> per_token,
                     int64_t tokens) {
  std::lock_guard lock(mutex_);
  if (first_token) counts_.ended.time_to_first_token.Add(*first_token);
  counts_.ended.total_time.Add(total);
  for (const double seconds : per_token) counts_.ended.time_per_output_token.Add(seconds);
  counts_.ended.generated_tokens += tokens;
}

RouteStats::Counts RouteStats::Read() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace engine
