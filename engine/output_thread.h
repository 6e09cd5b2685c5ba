// The output thread: everything between the engine thread and callers, so that neither waits for the other.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "engine/request_output.h"

namespace engine {

class OutputThread {
 public:
  // on_stop: called on this thread when a stop string ended a request that the engine still works on. ResourceExhausted
  // where the system starts no more threads.
  static absl::StatusOr<std::unique_ptr<OutputThread>> Create(std::function<void(int64_t request)> on_stop);
  ~OutputThread() { Stop(); }

  // Ends every open request with kCancelled, then the thread. Any thread but this one.
  void Stop();

  // Any thread. A request is opened before the engine hears of it, so that no event comes too early. Refused once the
  // thread is ending.
  absl::Status Open(int64_t request, std::unique_ptr<RequestOutput> output);
  void Push(std::vector<TokenEvent> events);

  // As Engine has it. Any thread.
  void SetAfterUpdates(std::function<void()> after_updates);

 private:
  explicit OutputThread(std::function<void(int64_t request)> on_stop) : on_stop_(std::move(on_stop)) {}

  void Loop();
  void Handle(const TokenEvent& event);
  void CancelAll();

  std::function<void(int64_t)> on_stop_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<TokenEvent> events_;                                    // guarded by mutex_
  std::unordered_map<int64_t, std::unique_ptr<RequestOutput>> open_;  // guarded; the outputs belong to this thread
  bool stop_ = false;                                                 // guarded by mutex_
  std::shared_ptr<const std::function<void()>> after_updates_;        // guarded by mutex_; null: none
  std::jthread thread_;                                               // last: everything above outlives it
};

}  // namespace engine
