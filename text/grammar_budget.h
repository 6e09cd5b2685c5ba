// The processor time that a grammar may take of the thread that asks it, which makes the tokens of every answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>

#include "core/base/status.h"

namespace engine {

class GrammarBudget;

// Ends calls that do not end by themselves, from a thread of its own, which sleeps while there are no budgets.
class GrammarWatch {
 public:
  static absl::StatusOr<std::shared_ptr<GrammarWatch>> Start();
  ~GrammarWatch();

  // Any thread. A budget that has been removed is not touched any more.
  void Add(GrammarBudget* budget);
  void Remove(GrammarBudget* budget);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_set<GrammarBudget*> budgets_;  // guarded by mutex_, as is_ending_
  bool is_ending_ = false;
  std::jthread thread_;
};

// What one answer has taken. Cancels its grammar for good when that is too much, within a call as well.
class GrammarBudget {
 public:
  // cancel: called by the thread that asks, or by the watch while that one is within a call.
  GrammarBudget(std::shared_ptr<GrammarWatch> watch, std::function<void()> cancel);
  ~GrammarBudget();
  GrammarBudget(const GrammarBudget&) = delete;
  GrammarBudget& operator=(const GrammarBudget&) = delete;

  // One thread at a time.
  template <typename Call>
  auto Spend(Call&& call) {
    Begin();
    auto result = call();
    End();
    return result;
  }

  // The answer has this many tokens. Where it has been before, as drafts go there and back, nothing is granted again.
  void Grant(int num_tokens);

  void CancelIfOver();  // by the watch

 private:
  using Time = std::chrono::nanoseconds;

  // Of the processor time of one thread, which stands still while the process or the machine does.
  struct Call {
    clockid_t clock;
    Time began;
  };

  void Begin();
  void End();

  std::shared_ptr<GrammarWatch> watch_;
  std::function<void()> cancel_;
  std::mutex mutex_;
  std::optional<Call> running_;  // guarded by mutex_
  Time excess_{};
  int granted_tokens_ = 0;
};

}  // namespace engine
