#include "engine/output_thread.h"

#include <iterator>
#include <utility>

#include "core/base/start_thread.h"

namespace engine {

absl::StatusOr<std::unique_ptr<OutputThread>> OutputThread::Create(std::function<void(int64_t request)> on_stop) {
  std::unique_ptr<OutputThread> output(new OutputThread(std::move(on_stop)));
  ASSIGN_OR_RETURN(output->thread_, StartThread("output", [raw = output.get()] { raw->Loop(); }));
  return output;
}

void OutputThread::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

absl::Status OutputThread::Open(int64_t request, std::unique_ptr<RequestOutput> output) {
  std::lock_guard lock(mutex_);
  if (stop_) return absl::UnavailableError("the engine is being destroyed and takes no more requests");
  open_.emplace(request, std::move(output));
  return absl::OkStatus();
}

void OutputThread::Push(std::vector<TokenEvent> events) {
  {
    std::lock_guard lock(mutex_);
    std::move(events.begin(), events.end(), std::back_inserter(events_));
  }
  wake_.notify_one();
}

void OutputThread::SetAfterUpdates(std::function<void()> after_updates) {
  std::shared_ptr<const std::function<void()>> next;  // then the last one, to go
  if (after_updates) next = std::make_shared<const std::function<void()>>(std::move(after_updates));
  std::lock_guard lock(mutex_);
  after_updates_.swap(next);
}

void OutputThread::Loop() {
  std::vector<TokenEvent> events;
  for (bool stop = false; !stop;) {
    std::shared_ptr<const std::function<void()>> after_updates;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || !events_.empty(); });
      std::swap(events, events_);
      stop = stop_;
      after_updates = after_updates_;
    }
    for (const TokenEvent& event : events) Handle(event);
    events.clear();
    if (stop) CancelAll();
    if (after_updates != nullptr) (*after_updates)();
  }
}

// stop_ is set, so nothing is opened any more.
void OutputThread::CancelAll() {
  std::unordered_map<int64_t, std::unique_ptr<RequestOutput>> open;
  {
    std::lock_guard lock(mutex_);
    open = std::exchange(open_, {});
  }
  for (auto& [request, output] : open) output->End(Finish::kCancelled);
}

// Callbacks run, and are destroyed, without the lock: they and what they hold may submit and cancel.
void OutputThread::Handle(const TokenEvent& event) {
  RequestOutput* output = nullptr;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(event.request);
    if (found == open_.end()) return;  // ended by a stop string; the engine was a step ahead
    output = found->second.get();
  }
  const bool stopped_early = output->Apply(event);
  if (!output->ended()) return;
  if (stopped_early) on_stop_(event.request);
  decltype(open_)::node_type ended;  // goes after the lock
  std::lock_guard lock(mutex_);
  ended = open_.extract(event.request);
}

}  // namespace engine
