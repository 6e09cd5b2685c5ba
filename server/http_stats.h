// What was answered, counted by route and status.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "server/http/http_server.h"

namespace engine {

class HttpStats {
 public:
  // The paths that are told apart: strangers may ask for as many others as they like. Before anything is counted.
  void SetPaths(std::set<std::string> paths) { paths_ = std::move(paths); }

  // Any thread.
  void Count(const AccessRecord& record);

  struct Counts {
    std::map<std::pair<std::string, int>, int64_t> answers;  // by path and status
    int64_t body_bytes = 0;
  };
  Counts Read() const;

 private:
  std::set<std::string> paths_;
  mutable std::mutex mutex_;
  Counts counts_;  // guarded by mutex_
};

}  // namespace engine
