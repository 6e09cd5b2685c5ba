// POSTs of JSON to one server, one after the other.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "server/http/http_client.h"

namespace engine {

// Belongs to one thread.
class JsonPoster {
 public:
  explicit JsonPoster(HttpAddress to);

  // The status of the answer. Blocks for `timeout` at most. Fails at once while the host of an earlier one is still being
  // looked up, which nothing breaks off: so there is one thread that does so, however many are posted.
  absl::StatusOr<int> Post(const std::string& body, std::chrono::milliseconds timeout);

 private:
  const HttpAddress to_;
  const std::string name_;
  std::shared_ptr<std::atomic<bool>> is_looking_up_;  // shared with that thread, which may outlive this
};

}  // namespace engine
