#include "benchmarks/serve/engine_target.h"

#include <utility>

namespace engine {

void EngineTarget::Send(const LoadRequest& request, LoadRecord& record, std::function<void()> on_end) {
  GenerationRequest generation{.prompt = request.prompt};
  generation.sampling.max_tokens = request.max_tokens;
  generation.sampling.temperature = 0;
  generation.sampling.ignore_eos = ignore_eos_;
  const auto end = [this, &record, on_end = std::move(on_end)](const absl::Status& error) {
    record.ended = Now();
    record.error = Message(error);
    At(record.ended, [this, on_end] {
      {
        std::lock_guard lock(mutex_);
        --running_;
      }
      on_end();
    });
  };
  {
    std::lock_guard lock(mutex_);
    ++running_;
  }
  const auto submitted = engine_.Submit(generation, [&record, end](const GenerationUpdate& update) {
    record.prompt_tokens = update.prompt_tokens;
    record.output_tokens += static_cast<int64_t>(update.tokens.size());
    if (!update.text.empty()) record.pieces.push_back(Now());
    if (update.finish != Finish::kNone) end(update.error);
  });
  if (!submitted.ok()) end(submitted.status());
}

void EngineTarget::At(TimePoint when, std::function<void()> action) {
  // Notified within the lock: behind it, Run may have returned and this target be gone.
  std::lock_guard lock(mutex_);
  actions_.emplace(when, std::move(action));
  wake_.notify_one();
}

void EngineTarget::Run() {
  std::unique_lock lock(mutex_);
  while (running_ > 0 || !actions_.empty()) {
    if (actions_.empty()) {
      wake_.wait(lock);
      continue;
    }
    if (const TimePoint next = actions_.begin()->first; next > Now()) {
      wake_.wait_until(lock, next);
      continue;
    }
    const std::function<void()> action = std::move(actions_.extract(actions_.begin()).mapped());
    lock.unlock();
    action();
    lock.lock();
  }
}

}  // namespace engine
