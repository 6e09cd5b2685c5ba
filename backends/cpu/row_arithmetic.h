// One row of the ops between matrix products, per instruction set. All exact: the references' bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/dtype.h"

namespace engine::cpu {

// rms_norm, and add_rms_norm where there is a delta.
struct NormRow {
  const float* x;
  const float* delta;  // or null
  float* sum;          // x + delta, where there is a delta
  const float* weight;
  std::byte* y;
  DType out;  // of y: f32, bf16 or q8_group
  int64_t d;
  float epsilon;
};

// act(gate) * up.
struct GateRow {
  const float* gate;
  const float* up;  // not read by `store`
  std::byte* y;
  DType out;
  int64_t n;
};

// One head of head_rms_norm, rope or qk_norm_rope. head_dim is at most kMaxHeadDim.
inline constexpr int64_t kMaxHeadDim = 512;
struct HeadRow {
  const float* x;
  const float* weight;  // null: no norm
  float epsilon;
  const float* angles;  // rotary_dim / 2 cosines, then as many sines; null: no rotation
  int64_t rotary_dim;
  int64_t head_dim;
  std::byte* y;
  DType out;  // f32 or bf16
};

// What a head of values shares as int8, rounded as rule 4's groups are.
struct Int8Head {
  float scale;  // NaN if a value is not finite; the integers are 0 then
  int32_t sum;  // of the integers
};

// Neighbouring activation groups that shall have one scale.
struct SharedRun {
  const int8_t* values;
  const float* scales;
  int groups;
  int8_t* out;        // the same numbers as multiples of one scale, the largest
  int16_t* out_sums;  // of 16 values each
};

struct RowCode {
  void (*norm)(const NormRow& row);
  void (*silu)(const GateRow& row);
  void (*gelu_tanh)(const GateRow& row);
  void (*store)(const GateRow& row);  // gate as it is: quantise
  void (*head)(const HeadRow& row);
  // x[0 .. size) as int8; q has room for whole vectors of 16.
  Int8Head (*int8_head)(const float* x, int64_t size, int8_t* q);
  // Returns the scale: NaN if one of them is, and then the values are 0.
  float (*share_scale)(const SharedRun& run);
};

namespace portable {
extern const RowCode kRows;
}
namespace avx2 {
extern const RowCode kRows;
}
namespace avx512 {
extern const RowCode kRows;
}

}  // namespace engine::cpu
