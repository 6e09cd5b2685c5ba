// Where a fixed number of threads wait for each other, again and again, and where none waits for one that has failed.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "core/base/status.h"

namespace engine {

class Rendezvous {
 public:
  explicit Rendezvous(int size) : size_(size) {}

  // Returns once all have come; what each wrote before is visible to all. After Abort: its error, at once and for good.
  absl::Status Meet() {
    const uint32_t meeting = meetings_.load(std::memory_order_acquire);
    if (!aborted_.load(std::memory_order_acquire)) {
      if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
        arrived_.store(0, std::memory_order_relaxed);
        End();
      } else {
        meetings_.wait(meeting, std::memory_order_acquire);  // one that has ended returns at once
      }
    }
    return aborted_.load(std::memory_order_acquire) ? Error() : absl::OkStatus();
  }

  // Ends every meeting, this one and later ones. The first error is kept. Any thread.
  void Abort(const absl::Status& error) {
    {
      const std::lock_guard lock(mutex_);
      if (error_.ok()) error_ = error;
    }
    aborted_.store(true, std::memory_order_release);
    End();
  }

 private:
  void End() {
    meetings_.fetch_add(1, std::memory_order_release);
    meetings_.notify_all();
  }
  absl::Status Error() {
    const std::lock_guard lock(mutex_);
    return error_;
  }

  const int size_;
  std::atomic<int> arrived_{0};
  std::atomic<uint32_t> meetings_{0};  // that have ended
  std::atomic<bool> aborted_{false};
  std::mutex mutex_;
  absl::Status error_;  // guarded by mutex_
};

}  // namespace engine
