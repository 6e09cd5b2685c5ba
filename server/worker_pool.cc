#include "server/worker_pool.h"

#include <utility>

#include "core/base/resident_memory.h"
#include "core/base/thread_name.h"

namespace engine {

WorkerPool::WorkerPool(int num_threads) {
  for (int i = 0; i < num_threads; ++i) threads_.emplace_back([this] { Loop(); });
}

void WorkerPool::Stop() {
  std::deque<Work> dropped, dropped_heavy;  // without the lock, as what goes with them may post
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    std::swap(dropped, queue_);
    std::swap(dropped_heavy, waiting_heavy_);
  }
  wake_.notify_all();
  threads_.clear();
}

void WorkerPool::Post(Weight weight, std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    if (stop_) return;
    const bool waits = weight == Weight::kHeavy && std::exchange(has_heavy_, true);
    (waits ? waiting_heavy_ : queue_).push_back({weight, std::move(work)});
    if (waits) return;
  }
  wake_.notify_one();
}

// This thread is about to look at the queue: nobody needs to be woken.
void WorkerPool::EndHeavy() {
  ReturnFreedMemory();  // in small pieces, which the allocator would keep
  std::lock_guard lock(mutex_);
  has_heavy_ = !waiting_heavy_.empty();
  if (!has_heavy_) return;
  queue_.push_back(std::move(waiting_heavy_.front()));  // behind what has come meanwhile
  waiting_heavy_.pop_front();
}

void WorkerPool::Loop() {
  NameThread("worker");
  while (true) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || !queue_.empty(); });
      if (stop_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work.run();
    work.run = nullptr;
    if (work.weight == Weight::kHeavy) EndHeavy();
  }
}

}  // namespace engine
