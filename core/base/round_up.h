// Whole parts of a number, the last begun one included; none of them negative.
#pragma once

#include <cstdint>

namespace engine {

constexpr int64_t DivideUp(int64_t number, int64_t part) { return (number + part - 1) / part; }
constexpr int64_t RoundUp(int64_t number, int64_t step) { return DivideUp(number, step) * step; }

}  // namespace engine
