// One row of quantised activations (DType::kQ8Group): numerics rule 4.
//   values  int8  [k]        x ~ value * scale of its group
//   scales  f32   [k / 32]   absmax / 127 per group of kActivationGroup values
//   sums    int16 [k / 16]   sum of 16 values, at most 16 * 127; 16 is the smallest weight group (Q6_K)
// k is a multiple of 32, as it is for every block format. Rows start at multiples of 64 bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/cache_line.h"

namespace engine {

// A of numerics rule 4: see docs/numerics.md for the measurement that chose it.
inline constexpr int64_t kActivationGroup = 32;
inline constexpr int64_t kSumGroup = 16;

inline constexpr int64_t Q8ScalesOffset(int64_t k) { return k; }
inline constexpr int64_t Q8SumsOffset(int64_t k) { return k + k / kActivationGroup * int64_t{sizeof(float)}; }
inline constexpr int64_t Q8RowBytes(int64_t k) {
  return CacheLines(Q8SumsOffset(k) + k / kSumGroup * int64_t{sizeof(int16_t)});
}

struct Q8Row {
  int8_t* values;
  float* scales;
  int16_t* sums;
};

inline Q8Row Q8RowAt(std::byte* row, int64_t k) {
  return {reinterpret_cast<int8_t*>(row), reinterpret_cast<float*>(row + Q8ScalesOffset(k)),
          reinterpret_cast<int16_t*>(row + Q8SumsOffset(k))};
}

}  // namespace engine
