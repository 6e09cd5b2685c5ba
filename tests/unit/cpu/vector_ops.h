// What the vector layer computes, on plain arrays: one table per instruction set, so that a test can compare them.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/cpu/isa/detect.h"

namespace engine::cpu {

// Each works on 16 lanes unless said.
struct VectorOps {
  void (*exp)(const float* in, float* out);
  void (*sigmoid)(const float* in, float* out);
  void (*tanh)(const float* in, float* out);
  void (*arithmetic)(const float* a, const float* b, const float* c, float* out);  // 10 results of 16 lanes
  void (*integers)(const float* in, int32_t* out);                                 // 6 results of 16 lanes
  void (*select_less)(const float* a, const float* b, float* out);
  void (*load_store_count)(const float* in, int count, float* out);
  float (*tree_sum)(const float* in);
  int32_t (*reduce)(const int32_t* in);                  // maximum plus sum
  void (*reduce_each)(const int32_t* in, int32_t* out);  // the maxima of four vectors
  void (*widen_f16)(const uint16_t* in, float* out);
  void (*round_bf16)(const float* in, uint16_t* out);
  void (*narrow_i8)(const int32_t* in, int8_t* out);
  void (*store_halves)(const int32_t* in, int8_t* out, int16_t* sums);  // 32 numbers, two sums
  void (*move_bits)(const uint8_t* in, uint8_t* out);                   // bits 4-7 to 0, or bit 2 to 4; 64 bytes
  void (*look_up)(const uint8_t* table, const uint8_t* indices, uint8_t* out);  // 64 bytes
  void (*dot_small)(const uint8_t* weights, const int8_t* quad, int32_t* acc);
  void (*dot_large)(const uint8_t* weights, const int8_t* quad, int32_t* acc);
  // Eight quads, for weights up to 15, 31, 63 and 255: weights of 8 vectors, and a group of values.
  void (*dot_group[4])(const uint8_t* weights, const int8_t* values, int32_t* acc);
  void (*dot_biased)(const int8_t* lanes, const int8_t* quad, int32_t* acc);   // lanes + 128 as unsigned weights
  void (*dot_signed)(const int8_t* lanes, const uint8_t* quad, int32_t* acc);  // the quad has the unsigned ones
  void (*dot_bf16)(const uint16_t* a, const uint16_t* b, float* acc);          // 32 values each, pairs lane by lane
};

namespace portable {
VectorOps TestedOps();
}
namespace avx2 {
VectorOps TestedOps();
}
namespace avx512 {
VectorOps TestedOps();
}

}  // namespace engine::cpu
