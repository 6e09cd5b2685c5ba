// How long something took.
#pragma once

#include <chrono>
#include <ctime>

namespace engine {

using TimePoint = std::chrono::steady_clock::time_point;

inline TimePoint Now() { return std::chrono::steady_clock::now(); }

inline double Seconds(TimePoint from, TimePoint to) { return std::chrono::duration<double>(to - from).count(); }

inline double SecondsSince(TimePoint start) { return Seconds(start, Now()); }

// That the calling thread has run on a core.
inline double ThreadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace engine
