// How long something took, by the wall's clock.
#pragma once

#include <chrono>

namespace engine {

using TimePoint = std::chrono::steady_clock::time_point;

inline TimePoint Now() { return std::chrono::steady_clock::now(); }

inline double Seconds(TimePoint from, TimePoint to) { return std::chrono::duration<double>(to - from).count(); }

inline double SecondsSince(TimePoint start) { return Seconds(start, Now()); }

}  // namespace engine
