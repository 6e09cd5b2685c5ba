// Threads take turns in the order in which they ask: who has waited longest comes next, also where another asks again as
// soon as its turn ends. A mutex would often let that one in again, as it is awake.
#pragma once

#include <atomic>
#include <cstdint>

namespace engine {

class Turns {
 public:
  // A place in the line. Await and End must follow.
  int64_t Ask() { return asked_.fetch_add(1, std::memory_order_relaxed); }

  // Sleeps until everybody before has ended; sees what they wrote.
  void Await(int64_t place) {
    for (int64_t at = 0; (at = at_.load(std::memory_order_acquire)) != place;) at_.wait(at, std::memory_order_acquire);
  }

  void End() {
    at_.fetch_add(1, std::memory_order_release);
    at_.notify_all();
  }

 private:
  std::atomic<int64_t> asked_{0};
  std::atomic<int64_t> at_{0};
};

}  // namespace engine
