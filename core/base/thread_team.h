// A fixed team of threads that walk the same work together: one dispatch, barriers inside, stolen tails.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/base/cpu_topology.h"
#include "core/base/status.h"

namespace engine {

class ThreadTeam;

// One thread's view of a running dispatch. A GPU launch sees a worker of its own: index 0 of 1.
class Worker {
 public:
  Worker(int index, int count, ThreadTeam* team, uint32_t phase = 0)
      : index_(index), count_(count), team_(team), phase_(phase) {}

  int index() const { return index_; }
  int count() const { return count_; }

  // Returns once every worker has arrived; what they wrote before it is visible after it.
  void Barrier() {
    BarrierThen([] {});
  }
  // The same, and the worker that arrives last runs `fn` before any goes on: one meeting where work too small to share
  // would need two.
  template <typename Fn>
  void BarrierThen(Fn&& fn) {
    if (!Arrive()) return Await();
    fn();
    Release();
  }

  // Items [0, count) once each, in chunks of `chunk`: every worker walks its own equal share in ascending order, then
  // takes chunks from the far ends of its neighbours' shares. A core that is slowed loses the end of its share, and what
  // a worker reads stays one ascending run for the hardware's prefetcher. `fn(begin, end)`.
  // Called by every worker with the same numbers. Results must not depend on who computes an item.
  template <typename Fn>
  void ForEach(int64_t count, int64_t chunk, Fn&& fn);

 private:
  friend class ThreadTeam;
  enum class End : uint8_t { kFront, kBack };

  // The parts of a barrier. The last to arrive (true) sees what all wrote, and releases those that await it.
  bool Arrive();
  void Release();
  void Await();

  // Chunks taken from an end of a share, and how many were taken there before; none when all are.
  struct Taken {
    int64_t count;
    int64_t before;
  };
  // From its own share a worker takes an eighth of what is left: every take holds up the loads behind it. Of another's
  // it takes one chunk.
  Taken Take(int owner, int64_t size, End end);

  int index_;
  int count_;
  ThreadTeam* team_;
  uint32_t phase_;  // counts barriers, of all dispatches
  int loop_ = 0;    // ForEach calls since the last barrier
  uint32_t sense_ = 0;
};

// A number that threads sleep on until it says what they wait for. Setting it calls the kernel only where one sleeps on
// it: the standard library alone counts the sleepers of many numbers together.
class alignas(64) Signal {
 public:
  uint32_t value() const { return value_.load(std::memory_order_acquire); }
  void Set(uint32_t value) {
    value_.store(value);
    Wake();
  }
  void Increment() {
    value_.fetch_add(1);
    Wake();
  }
  // For those who await 0.
  void CountDown() {
    if (value_.fetch_sub(1) == 1) Wake();
  }
  // Spins for a while, then sleeps, until the value is `wanted`.
  void Await(uint32_t wanted);

 private:
  // A sleeper counts itself before it looks at the value for the last time, so one of the two sees the other.
  void Wake() {
    if (sleepers_.load() > 0) value_.notify_all();
  }

  std::atomic<uint32_t> value_{0};
  std::atomic<int> sleepers_{0};
};

struct ThreadTeamOptions {
  int num_threads = 1;  // the calling thread is worker 0
  // One CPU per worker, in the order of PlaceCpus, worker 0 (the caller) left alone; only where the team has every CPU of the
  // affinity mask, as two teams on a part of it would meet on the same ones.
  bool pin = false;
  std::string system_devices = kSystemDevices;  // see core/base/cpu_topology.h
};

class ThreadTeam {
 public:
  // CPUs this process may run on: its affinity mask and the CPU quota of its cgroups.
  static int AllowedThreads();
  static absl::StatusOr<std::unique_ptr<ThreadTeam>> Create(const ThreadTeamOptions& options);
  ~ThreadTeam();

  int num_threads() const { return num_threads_; }
  // The node of each thread, in order; empty where they are not pinned.
  std::span<const int> nodes() const { return nodes_; }

  // Runs fn on every worker, the calling thread as worker 0, and returns when all are done. One caller at a time.
  void Run(const std::function<void(Worker&)>& fn) { Run(num_threads_, fn); }
  // The same on `workers` of them; the others sleep on. Those that run are spread evenly: over all nodes, and over cores
  // before they share one. A worker's part of a loop is of the same memory in a team of any size.
  void Run(int workers, const std::function<void(Worker&)>& fn);

 private:
  friend class Worker;
  // How much of a worker's share of a loop is taken: the phase it belongs to in the upper half, then 16 bits each for
  // its front and its back. A state of an earlier phase means that nothing is taken yet, so none is ever reset.
  struct alignas(64) Share {
    std::atomic<uint64_t> state{0};
  };

  // Loops between two barriers whose ends can be stolen; what follows them is shared out evenly. A decoder layer has
  // three in a row, the products for q, k and v.
  static constexpr int kMaxLoops = 16;

  // Where a thread waits for work.
  struct Seat {
    Signal dispatches;  // how many it was called to
    int worker = 0;     // which one it is in this dispatch
  };

  explicit ThreadTeam(int num_threads)
      : num_threads_(num_threads), shares_(int64_t{kMaxLoops} * num_threads), seats_(num_threads) {}
  void ThreadLoop(Seat& seat);

  const int num_threads_;
  std::vector<Share> shares_;  // [loop][worker]
  uint32_t phase_ = 1;         // of the next dispatch
  const std::function<void(Worker&)>* work_ = nullptr;
  int running_workers_ = 0;  // of the dispatch
  std::vector<Seat> seats_;  // of each thread
  std::vector<int> nodes_;
  alignas(64) std::atomic<int> arrived_{0};
  Signal sense_;
  Signal running_;  // workers that are not done yet
  std::atomic<bool> stop_{false};
  std::vector<std::jthread> threads_;
};

template <typename Fn>
void Worker::ForEach(int64_t count, int64_t chunk, Fn&& fn) {
  constexpr int64_t kMostChunks = 0xffff;  // of a share, as its state counts them
  chunk = std::max(chunk, (count + kMostChunks * count_ - 1) / (kMostChunks * count_));
  const int64_t num_chunks = (count + chunk - 1) / chunk;
  const auto first_of = [&](int worker) { return num_chunks * worker / count_; };
  const auto run = [&](int64_t c) { fn(c * chunk, std::min((c + 1) * chunk, count)); };
  if (count_ == 1 || loop_ == ThreadTeam::kMaxLoops) {
    for (int64_t c = first_of(index_); c < first_of(index_ + 1); ++c) run(c);
    return;
  }
  // Its own share first. Asking every worker of a large team would take longer than what is left to do.
  constexpr int kNeighbours = 4;
  for (int step = 0; step <= std::min(kNeighbours, count_ - 1); ++step) {
    const int owner = (index_ + step) % count_;
    const int64_t begin = first_of(owner), end = first_of(owner + 1);
    for (;;) {
      const Taken taken = Take(owner, end - begin, step == 0 ? End::kFront : End::kBack);
      if (taken.count == 0) break;
      const int64_t first = step == 0 ? begin + taken.before : end - 1 - taken.before;
      for (int64_t c = first; c < first + taken.count; ++c) run(c);
    }
  }
  ++loop_;
}

}  // namespace engine
