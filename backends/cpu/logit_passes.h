// Passes over the logits of a row, of any length, per instruction set.
#pragma once

#include <cstdint>

namespace engine::cpu {

struct LogitCode {
  // The largest number; NaN when one is NaN.
  float (*maximum)(const float* x, int64_t count);
  // The first index that holds `value`, which occurs.
  int64_t (*find)(const float* x, int64_t count, float value);
  // out[i] = exp((x[i] - shift) / temperature)
  void (*weigh)(const float* x, int64_t count, float shift, float temperature, float* out);
  // The long sum (core/base/long_sum.h) of exp(x[i] - shift).
  float (*sum_exp)(const float* x, int64_t count, float shift);
};

namespace portable {
extern const LogitCode kLogits;
}
namespace avx2 {
extern const LogitCode kLogits;
}
namespace avx512 {
extern const LogitCode kLogits;
}

}  // namespace engine::cpu
