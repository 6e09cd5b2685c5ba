// How far long work has come, on stderr: a bar that redraws itself on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace engine {

bool IsTerminal(int file_descriptor);

class Progress {
 public:
  explicit Progress(std::string label);
  ~Progress();  // clears the bar

  void Update(int64_t done, int64_t total);

 private:
  using Clock = std::chrono::steady_clock;

  const std::string label_;
  const bool terminal_;
  Clock::time_point next_;  // nothing is shown before: work that is done at once stays silent
  bool drawn_ = false;
};

}  // namespace engine
