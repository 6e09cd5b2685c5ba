#include "cli/interrupt.h"

#include <pthread.h>

#include <utility>

namespace engine {

Interrupt::Interrupt() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals_, &previous_mask_);
  thread_ = std::thread([this] { Watch(); });
}

Interrupt::~Interrupt() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  // The signal itself wakes the watcher, which then sees stop_.
  pthread_kill(thread_.native_handle(), SIGINT);
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
}

void Interrupt::Arm(std::function<void()> action) {
  std::lock_guard lock(mutex_);
  action_ = std::move(action);
}

void Interrupt::Disarm() { Arm(nullptr); }

void Interrupt::Watch() {
  for (int signal = 0; sigwait(&signals_, &signal) == 0;) {
    std::lock_guard lock(mutex_);
    if (stop_) return;
    Handle();
  }
}

// Ends the program as an unhandled Ctrl-C would, so that a shell sees what happened.
void Interrupt::Handle() {
  if (action_) {
    std::exchange(action_, nullptr)();
    return;
  }
  std::signal(SIGINT, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  std::raise(SIGINT);
}

}  // namespace engine
