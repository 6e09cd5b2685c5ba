#include "backends/simt/simt_queues.h"

#include <algorithm>

namespace engine::gpu {

SimtQueue* SimtQueues::Create() { return queues_.emplace_back(std::make_unique<SimtQueue>()).get(); }

void SimtQueues::Destroy(SimtQueue* queue) {
  Synchronize(*queue).IgnoreError();  // the next call for any queue returns it
  std::erase_if(queues_, [queue](const auto& other) { return other.get() == queue; });
}

absl::Status SimtQueues::Submit(SimtQueue& queue, SimtWork work) {
  RETURN_IF_ERROR(status_);
  if (queue.capture) {
    if (work.records != nullptr || work.awaits != nullptr) {
      return Fail(FailedPrecondition("a captured queue records or awaits an event; graphs here are one queue's work"));
    }
    queue.capture->push_back(std::move(work));
    return absl::OkStatus();
  }
  if (work.records != nullptr) work.number = ++work.records->recorded;
  if (work.awaits != nullptr) work.number = work.awaits->recorded;
  queue.work.push_back(std::move(work));
  constexpr uint64_t kOneIn = 16;  // submissions is followed by up to so many pieces of work; most wait
  if (random_() % kOneIn != 0) return absl::OkStatus();
  uint64_t count = 1 + random_() % kOneIn;
  return RunUntil([&count] { return count-- == 0; });
}

absl::Status SimtQueues::Synchronize(const SimtQueue& queue) {
  if (queue.capture) return Fail(FailedPrecondition("a queue is synchronised while it is captured"));
  return RunUntil([&queue] { return queue.work.empty(); });
}

absl::Status SimtQueues::Synchronize(const SimtEvent& event) {
  const uint64_t number = event.recorded;
  return RunUntil([&event, number] { return event.done >= number; });
}

absl::Status SimtQueues::Fail(absl::Status error) {
  if (status_.ok()) status_ = std::move(error);
  return status_;
}

// Or until nothing is left. Something can always run: events are awaited as they were recorded before.
absl::Status SimtQueues::RunUntil(const std::function<bool()>& is_done) {
  open_();
  while (status_.ok() && !is_done()) {
    SimtQueue* queue = PickRunnable();
    if (queue == nullptr) break;
    RunFirst(*queue);
  }
  close_();
  return status_;
}

SimtQueue* SimtQueues::PickRunnable() {
  runnable_.clear();
  for (const auto& queue : queues_) {
    if (queue->work.empty()) continue;
    const SimtWork& first = queue->work.front();
    if (first.awaits == nullptr || first.awaits->done >= first.number) runnable_.push_back(queue.get());
  }
  return runnable_.empty() ? nullptr : runnable_[random_() % runnable_.size()];
}

void SimtQueues::RunFirst(SimtQueue& queue) {
  const SimtWork work = std::move(queue.work.front());
  queue.work.pop_front();
  if (work.run) {
    if (absl::Status ran = work.run(); !ran.ok()) status_ = std::move(ran);
  }
  if (work.records != nullptr) work.records->done = std::max(work.records->done, work.number);
}

}  // namespace engine::gpu
