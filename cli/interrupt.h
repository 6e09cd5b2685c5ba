// Ctrl-C and other signals: stop what is armed, or else the program.
#pragma once

#include <csignal>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/base/clock.h"

namespace engine {

// Create it before any other thread: its signals are blocked in this thread and those it starts, and a thread of its own
// waits for them. So no code runs inside a signal handler.
class Interrupt {
 public:
  explicit Interrupt(const std::vector<int>& signals = {SIGINT});
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // The next signal calls `action`, once, on the watching thread. One after that ends the program, but while this stays
  // armed not one within a quarter of a second: it is the same wish, from a terminal and from what forwards it.
  void Arm(std::function<void()> action);
  // No action runs after this returns.
  void Disarm();
  // Every `signal`, one of those above, calls `action` instead, on the watching thread; none after On(signal, nullptr)
  // has returned.
  void On(int signal, std::function<void()> action);

 private:
  void Watch();
  void Handle(int signal);

  sigset_t signals_;
  int wakes_watcher_;  // one of them
  sigset_t previous_mask_;
  std::mutex mutex_;
  std::function<void()> action_;                    // guarded by mutex_; empty when disarmed
  std::optional<TimePoint> acted_;                  // when action_ was called; guarded by mutex_
  std::map<int, std::function<void()>> on_signal_;  // guarded by mutex_
  bool stop_ = false;                               // guarded by mutex_
  std::thread thread_;
};

}  // namespace engine
