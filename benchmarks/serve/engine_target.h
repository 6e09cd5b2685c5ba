// An engine in this process, as the target of a load: what a server adds is the difference.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "benchmarks/serve/load.h"
#include "engine/engine.h"

namespace engine {

class EngineTarget : public LoadTarget {
 public:
  // The engine outlives the target.
  EngineTarget(Engine& engine, bool ignore_eos) : engine_(engine), ignore_eos_(ignore_eos) {}

  void Send(const LoadRequest& request, LoadRecord& record, std::function<void()> on_end) override;
  void At(TimePoint when, std::function<void()> action) override;
  void Run() override;

 private:
  Engine& engine_;
  const bool ignore_eos_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::multimap<TimePoint, std::function<void()>> actions_;  // guarded by mutex_
  int running_ = 0;                                          // requests; guarded by mutex_
};

}  // namespace engine
