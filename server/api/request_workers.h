// Where requests are read, rendered and made tokens.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "server/http/handler.h"
#include "server/http/post.h"

namespace engine {

// Runs the work of requests on threads that may take their time. Of those with long bodies one at a time: a text becomes
// tokens by way of some hundred bytes for each of its own, and other requests need a thread meanwhile. Thread-safe.
class RequestWorkers : public std::enable_shared_from_this<RequestWorkers> {
 public:
  explicit RequestWorkers(Post post) : post_(std::move(post)) {}

  // Never blocks. `work` must not own this.
  void Run(const HttpRequest& request, std::function<void()> work);

 private:
  void RunNextLong();

  const Post post_;
  std::mutex mutex_;
  std::deque<std::function<void()>> long_;  // guarded by mutex_; the first one runs, or is about to
};

}  // namespace engine
