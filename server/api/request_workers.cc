#include "server/api/request_workers.h"

#include "core/base/resident_memory.h"

namespace engine {

void RequestWorkers::Run(const HttpRequest& request, std::function<void()> work) {
  constexpr size_t kLongBody = size_t{512} << 10;
  if (request.body.size() < kLongBody) return post_(std::move(work));
  {
    std::lock_guard lock(mutex_);
    long_.push_back(std::move(work));
    if (long_.size() > 1) return;
  }
  post_([self = shared_from_this()] { self->RunNextLong(); });
}

void RequestWorkers::RunNextLong() {
  std::function<void()> work;
  {
    std::lock_guard lock(mutex_);
    work = std::move(long_.front());
  }
  work();
  work = nullptr;
  ReturnFreedMemory();  // in small pieces, which the allocator would keep
  {
    std::lock_guard lock(mutex_);
    long_.pop_front();
    if (long_.empty()) return;
  }
  post_([self = shared_from_this()] { self->RunNextLong(); });  // behind what has come meanwhile
}

}  // namespace engine
