// A fixed team of threads that walk the same work together: one dispatch, barriers inside, stolen tails.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/status.h"

namespace engine {

class ThreadTeam;

// One thread's view of a running dispatch. A GPU launch sees a worker of its own: index 0 of 1.
class Worker {
 public:
  Worker(int index, int count, ThreadTeam* team) : index_(index), count_(count), team_(team) {}

  int index() const { return index_; }
  int count() const { return count_; }

  // Returns once every worker has arrived; what they wrote before it is visible after it.
  void Barrier();

  // The next item of a shared queue that starts at 0: each value is handed out once to one worker. A queue is named by
  // every worker entering the same NextQueue() calls in the same order.
  int64_t Take();
  void NextQueue() { ++queue_; }

  // Items [0, count) once each: most of them in equal static shares, the last of each share handed out one chunk at a
  // time to whoever is free, so that a stolen core costs its tail only. `fn(begin, end)`.
  // Results must not depend on who computes an item.
  template <typename Fn>
  void ForEach(int64_t count, int64_t chunk, Fn&& fn);

 private:
  int index_;
  int count_;
  ThreadTeam* team_;
  int queue_ = -1;
  bool sense_ = false;
};

struct ThreadTeamOptions {
  int num_threads = 1;  // the calling thread is worker 0
  // One core per worker, worker 0 (the caller) left alone; only where the team has every core of the affinity mask, as
  // two teams on a part of it would meet on the same cores.
  bool pin = false;
};

class ThreadTeam {
 public:
  // Cores this process may run on: its affinity mask and its cgroup's CPU quota.
  static int AllowedThreads();
  static absl::StatusOr<std::unique_ptr<ThreadTeam>> Create(const ThreadTeamOptions& options);
  ~ThreadTeam();

  int num_threads() const { return num_threads_; }

  // Runs fn on every worker, the calling thread as worker 0, and returns when all are done. One caller at a time.
  void Run(const std::function<void(Worker&)>& fn);

 private:
  friend class Worker;
  struct alignas(64) Counter {
    std::atomic<int64_t> next{0};
  };

  // NextQueue() calls per dispatch. A decoder layer makes about 25, and a model has at most 1024 layers.
  static constexpr int kMaxQueues = 32768;

  explicit ThreadTeam(int num_threads) : num_threads_(num_threads), queues_(kMaxQueues) {}
  void WorkerLoop(int index);
  void WaitForDispatch(uint64_t last_seen);

  const int num_threads_;
  std::vector<Counter> queues_;
  std::atomic<int> queues_used_{0};
  const std::function<void(Worker&)>* work_ = nullptr;
  alignas(64) std::atomic<uint64_t> dispatch_{0};
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<bool> sense_{false};
  alignas(64) std::atomic<int> running_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::jthread> threads_;
};

template <typename Fn>
void Worker::ForEach(int64_t count, int64_t chunk, Fn&& fn) {
  NextQueue();
  const int64_t num_chunks = (count + chunk - 1) / chunk;
  // 7/8 of the chunks are static: the tail that can be stolen covers a core that is slowed by up to an eighth, and more
  // queue traffic than that shows at decode, where a whole step is a few hundred microseconds.
  const int64_t static_chunks = count_ == 1 ? num_chunks : num_chunks * 7 / 8 / count_ * count_;
  const int64_t share = static_chunks / count_;
  if (share > 0) {
    const int64_t begin = index_ * share * chunk;
    fn(begin, std::min(begin + share * chunk, count));
  }
  if (static_chunks == num_chunks) return;
  for (int64_t c = static_chunks + Take(); c < num_chunks; c = static_chunks + Take()) {
    fn(c * chunk, std::min((c + 1) * chunk, count));
  }
}

}  // namespace engine
