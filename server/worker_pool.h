// Threads for work that would hold up an HTTP thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "server/http/post.h"

namespace engine {

class WorkerPool {
 public:
  explicit WorkerPool(int num_threads);
  ~WorkerPool() { Stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Waits for work that has begun. The rest is dropped, and what comes later too.
  void Stop();

  // Any thread; never blocks.
  void Post(Weight weight, std::function<void()> work);

 private:
  struct Work {
    Weight weight;
    std::function<void()> run;
  };

  void Loop();
  void EndHeavy();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;             // guarded by mutex_
  bool has_heavy_ = false;             // guarded by mutex_; one runs, or is in queue_
  std::deque<Work> waiting_heavy_;     // guarded by mutex_; for the end of that one
  bool stop_ = false;                  // guarded by mutex_
  std::vector<std::jthread> threads_;  // last: everything above outlives them
};

}  // namespace engine
