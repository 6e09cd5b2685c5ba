#include "cli/interrupt.h"

#include <pthread.h>
#include <unistd.h>

#include <utility>

namespace engine {
namespace {

constexpr double kSameWishSeconds = 0.25;
constexpr int kEndedBySignal = 128;  // a shell's exit code is the signal and this

}  // namespace

Interrupt::Interrupt(const std::vector<int>& signals) : wakes_watcher_(signals.front()) {
  sigemptyset(&signals_);
  for (const int signal : signals) sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, &previous_mask_);
  thread_ = std::thread([this] { Watch(); });
}

Interrupt::~Interrupt() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  // The signal itself wakes the watcher, which then sees stop_.
  pthread_kill(thread_.native_handle(), wakes_watcher_);
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
}

void Interrupt::Arm(std::function<void()> action) {
  std::lock_guard lock(mutex_);
  action_ = std::move(action);
  acted_.reset();
}

void Interrupt::Disarm() { Arm(nullptr); }

void Interrupt::On(int signal, std::function<void()> action) {
  std::lock_guard lock(mutex_);
  on_signal_[signal] = std::move(action);
}

void Interrupt::Watch() {
  for (int signal = 0; sigwait(&signals_, &signal) == 0;) {
    std::lock_guard lock(mutex_);
    if (stop_) return;
    Handle(signal);
  }
}

// Ends the program as the unhandled signal would, so that a shell sees what happened.
void Interrupt::Handle(int signal) {
  if (const auto found = on_signal_.find(signal); found != on_signal_.end() && found->second) return found->second();
  if (action_) {
    acted_ = Now();
    return std::exchange(action_, nullptr)();
  }
  if (acted_ && SecondsSince(*acted_) < kSameWishSeconds) return;
  std::signal(signal, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  std::raise(signal);
  // Still here: process 1, as in a container, is not ended by a signal that it does not handle.
  _exit(kEndedBySignal + signal);
}

}  // namespace engine
