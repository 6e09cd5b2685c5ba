// Queues of the SIMT device: work waits until somebody synchronises, and then runs in any order that a GPU might choose.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "core/base/status.h"

namespace engine::gpu {

struct SimtEvent {
  uint64_t recorded = 0;
  uint64_t done = 0;
};

// One piece of work: it runs, or stands for an event.
struct SimtWork {
  std::function<absl::Status()> run;
  SimtEvent* records = nullptr;
  SimtEvent* awaits = nullptr;
  uint64_t number = 0;  // of the recording
};

using SimtGraph = std::vector<SimtWork>;

struct SimtQueue {
  std::deque<SimtWork> work;
  std::optional<SimtGraph> capture;
};

// Picks among the queues whose first work may run by a random number. An error is kept, and nothing runs after it, as on a
// GPU.
class SimtQueues {
 public:
  // `open` and `close` are called around runs of work.
  SimtQueues(uint64_t seed, std::function<void()> open, std::function<void()> close)
      : random_(seed), open_(std::move(open)), close_(std::move(close)) {}

  SimtQueue* Create();
  void Destroy(SimtQueue* queue);

  // Now and then some of what waits runs at once: host code must not count on either.
  absl::Status Submit(SimtQueue& queue, SimtWork work);
  absl::Status Synchronize(const SimtQueue& queue);
  absl::Status Synchronize(const SimtEvent& event);
  absl::Status Fail(absl::Status error);

  uint64_t Random() { return random_(); }

 private:
  absl::Status RunUntil(const std::function<bool()>& is_done);
  SimtQueue* PickRunnable();
  void RunFirst(SimtQueue& queue);

  std::mt19937_64 random_;
  std::function<void()> open_, close_;
  std::vector<std::unique_ptr<SimtQueue>> queues_;
  std::vector<SimtQueue*> runnable_;  // of one pick
  absl::Status status_;
};

}  // namespace engine::gpu
