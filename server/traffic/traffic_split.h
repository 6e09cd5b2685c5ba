// One name for several models: each answers its share of the requests, so that two can be compared under real traffic.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "server/traffic/route_stats.h"

namespace engine {

// Any thread may call everything.
class TrafficSplit {
 public:
  struct Share {
    std::string model;
    int weight = 0;  // of the sum of all
  };

  // "chat=a:90,b:10". Refused: what has no name, a model twice, weights that are not positive.
  static absl::StatusOr<std::unique_ptr<TrafficSplit>> Parse(std::string_view text, uint64_t seed = 0);

  const std::string& name() const { return name_; }
  const std::vector<Share>& shares() const { return shares_; }

  // Which share answers a request. The same key always goes to the same one, in every server with this split: a user
  // keeps the model. Where the key is empty it is drawn.
  size_t Choose(std::string_view key);
  // Of the requests that this model of the split answers.
  const std::shared_ptr<RouteStats>& stats(size_t share) const { return stats_[share]; }
  std::shared_ptr<RouteStats> StatsOf(std::string_view model) const;

 private:
  TrafficSplit(std::string name, std::vector<Share> shares, uint64_t seed);

  uint64_t Draw();

  const std::string name_;
  const std::vector<Share> shares_;
  int64_t total_ = 0;                               // of the weights
  std::vector<std::shared_ptr<RouteStats>> stats_;  // of each share; shared with requests that run
  std::mutex mutex_;
  std::mt19937_64 random_;  // guarded by mutex_
};

}  // namespace engine
