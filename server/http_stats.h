// What was answered, counted by route and status.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "server/http/http_server.h"

namespace engine {

class HttpStats {
 public:
  // Any thread.
  void Count(const AccessRecord& record);

  struct Counts {
    // By the route's pattern, "other" where there is none, and status: strangers may ask for as many paths as they like.
    std::map<std::pair<std::string, int>, int64_t> answers;
    int64_t body_bytes = 0;
  };
  Counts Read() const;

 private:
  mutable std::mutex mutex_;
  Counts counts_;  // guarded by mutex_
};

}  // namespace engine
