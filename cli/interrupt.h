// Ctrl-C and other signals: stop what is armed, or else the program.
#pragma once

#include <csignal>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <thread>

namespace engine {

// Create it before any other thread: its signals are blocked in this thread and those it starts, and a thread of its own
// waits for them. So no code runs inside a signal handler.
class Interrupt {
 public:
  explicit Interrupt(std::initializer_list<int> signals = {SIGINT});
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // The next signal calls `action`, once, on the watching thread. One after that ends the program.
  void Arm(std::function<void()> action);
  // No action runs after this returns.
  void Disarm();

 private:
  void Watch();
  void Handle(int signal);

  sigset_t signals_;
  int wakes_watcher_;  // one of them
  sigset_t previous_mask_;
  std::mutex mutex_;
  std::function<void()> action_;  // guarded by mutex_; empty when disarmed
  bool stop_ = false;             // guarded by mutex_
  std::thread thread_;
};

}  // namespace engine
