// Ctrl-C: stops what is armed, or else the program.
#pragma once

#include <csignal>
#include <functional>
#include <mutex>
#include <thread>

namespace engine {

// Create it before any other thread: SIGINT is blocked in this thread and those it starts, and a thread of its own waits
// for the signal. So no code runs inside a signal handler.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // The next Ctrl-C calls `action`, once, on the watching thread. One after that ends the program.
  void Arm(std::function<void()> action);
  // No action runs after this returns.
  void Disarm();

 private:
  void Watch();
  void Handle();

  sigset_t signals_;
  sigset_t previous_mask_;
  std::mutex mutex_;
  std::function<void()> action_;  // guarded by mutex_; empty when disarmed
  bool stop_ = false;             // guarded by mutex_
  std::thread thread_;
};

}  // namespace engine
