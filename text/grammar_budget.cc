#include "text/grammar_budget.h"

#include <pthread.h>

#include <algorithm>

#include "core/base/start_thread.h"

namespace engine {
namespace {

using std::chrono_literals::operator""ms;

// A token may take this on average: tens of times what those of published schemas do.
constexpr std::chrono::nanoseconds kGrant = 3ms;
// What an answer's tokens may take beyond that, all together.
constexpr std::chrono::nanoseconds kLimit = 1000ms;
// Steps in which a call that does not end is looked for.
constexpr std::chrono::nanoseconds kInterval = 100ms;

// Zero of a thread that has ended.
std::chrono::nanoseconds TimeOf(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

clockid_t ClockOfThisThread() {
  clockid_t clock{};
  pthread_getcpuclockid(pthread_self(), &clock);
  return clock;
}

}  // namespace

absl::StatusOr<std::shared_ptr<GrammarWatch>> GrammarWatch::Start() {
  auto watch = std::make_shared<GrammarWatch>();
  ASSIGN_OR_RETURN(watch->thread_, StartThread("grammar-watch", [watch = watch.get()] { watch->Run(); }));
  return watch;
}

GrammarWatch::~GrammarWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
}

void GrammarWatch::Add(GrammarBudget* budget) {
  const std::lock_guard lock(mutex_);
  budgets_.insert(budget);
  if (budgets_.size() == 1) changed_.notify_all();
}

void GrammarWatch::Remove(GrammarBudget* budget) {
  const std::lock_guard lock(mutex_);
  budgets_.erase(budget);
}

void GrammarWatch::Run() {
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    changed_.wait(lock, [this] { return is_ending_ || !budgets_.empty(); });
    changed_.wait_for(lock, kInterval, [this] { return is_ending_; });
    for (GrammarBudget* budget : budgets_) budget->CancelIfOver();
  }
}

GrammarBudget::GrammarBudget(std::shared_ptr<GrammarWatch> watch, std::function<void()> cancel)
    : watch_(std::move(watch)), cancel_(std::move(cancel)) {
  watch_->Add(this);
}

GrammarBudget::~GrammarBudget() { watch_->Remove(this); }

void GrammarBudget::Grant(int num_tokens) {
  const int more = std::max(num_tokens - granted_tokens_, 0);
  excess_ = std::max(excess_ - kGrant * more, Time::zero());
  granted_tokens_ += more;
}

void GrammarBudget::CancelIfOver() {
  const std::lock_guard lock(mutex_);
  if (running_ && TimeOf(running_->clock) > running_->began + kLimit) cancel_();
}

void GrammarBudget::Begin() {
  const clockid_t clock = ClockOfThisThread();
  const std::lock_guard lock(mutex_);
  running_ = Call{.clock = clock, .began = TimeOf(clock)};
}

void GrammarBudget::End() {
  const std::lock_guard lock(mutex_);
  excess_ += TimeOf(running_->clock) - running_->began;
  running_.reset();
  if (excess_ > kLimit) cancel_();
}

}  // namespace engine
