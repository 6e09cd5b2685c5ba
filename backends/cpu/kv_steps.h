// The kinds of KV cache as kernels see them: what one reduction step of a dot product multiplies.
#pragma once

#include <algorithm>

#include "backends/cpu/isa/vector.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// A step is a pair of elements.
struct Bf16Kv {
  using Weight = uint16_t;
  using Element = uint16_t;
  using Sum = F32x16;
  using Scope = FlushDenormalsScope;
  static constexpr int64_t kStep = 2;

  static F32x16 Dot(F32x16 acc, Bf16x32 a, Bf16x32 b) { return DotBf16Pairs(acc, a, b); }
  static Bf16x32 Broadcast(const uint16_t* in) { return BroadcastBf16Pair(in); }
  static Bf16x32 LoadLanes(const uint16_t* in) { return LoadBf16Pairs(in); }
  static void StoreWeights(uint16_t* out, F32x16 x) { StoreBf16(out, x); }
};

// Denormals of f32 count.
struct KeepDenormalsScope {
  KeepDenormalsScope() {}
};

struct F32Kv {
  using Weight = float;
  using Element = float;
  using Sum = F32x16;
  using Scope = KeepDenormalsScope;
  static constexpr int64_t kStep = 1;

  static F32x16 Dot(F32x16 acc, F32x16 a, F32x16 b) { return Fma(a, b, acc); }
  static F32x16 Broadcast(const float* in) { return F32x16(*in); }
  static F32x16 LoadLanes(const float* in) { return Load(in); }
  static void StoreWeights(float* out, F32x16 x) { Store(out, x); }
};

// Int8 queries times keys; a step is four. The instruction takes unsigned lanes: keys are biased by 128, and sums start
// at -128 times the sum of the query.
struct Int8Keys {
  using Weight = int8_t;
  using Element = int8_t;
  using Sum = I32x16;
  static constexpr int64_t kStep = 4;

  static I32x16 Dot(I32x16 acc, QuadI8 a, U8x64 b) { return DotQuads<255>(acc, b, a); }
  static QuadI8 Broadcast(const int8_t* in) { return BroadcastQuad(in); }
  static U8x64 LoadLanes(const int8_t* in) { return AddBias(LoadBytes(in)); }
};

// Unsigned weights times int8 values.
struct Int8Values {
  using Weight = uint8_t;
  using Element = int8_t;
  using Sum = I32x16;
  static constexpr int64_t kStep = 4;

  static I32x16 Dot(I32x16 acc, QuadU8 a, U8x64 b) { return DotSignedLanes(acc, a, b); }
  static QuadU8 Broadcast(const uint8_t* in) { return BroadcastQuad(in); }
  static U8x64 LoadLanes(const int8_t* in) { return LoadBytes(in); }
};

// How the 16 lanes of a step are read: all of them, or the first `count`, the others as 0.
template <typename Kv>
struct WholeLanes {
  static auto Load(const typename Kv::Element* in) { return Kv::LoadLanes(in); }
};
template <typename Kv>
struct SomeLanes {
  int64_t count;
  auto Load(const typename Kv::Element* in) const {
    typename Kv::Element lanes[16 * Kv::kStep] = {};
    std::copy_n(in, count * Kv::kStep, lanes);
    return Kv::LoadLanes(lanes);
  }
};

// The operands of a block of dot products; strides count elements.
template <typename Kv>
struct DotBlock {
  const typename Kv::Weight* a;  // [rows][steps]
  int64_t a_row;
  const typename Kv::Element* b;  // [steps][lanes]
  int64_t b_step;
  int64_t steps;
};

// acc[r][v] += sum over steps of a[r][step] * b[step][lanes of v].
template <typename Kv, int kRows, int kVectors, typename Lanes>
void Accumulate(const DotBlock<Kv>& in, const Lanes& lanes, typename Kv::Sum (&acc)[kRows][kVectors]) {
  for (int64_t s = 0; s < in.steps; ++s) {
    decltype(lanes.Load(in.b)) b[kVectors];
#pragma unroll
    for (int v = 0; v < kVectors; ++v) b[v] = lanes.Load(in.b + s * in.b_step + v * 16 * Kv::kStep);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const auto a = Kv::Broadcast(in.a + r * in.a_row + s * Kv::kStep);
#pragma unroll
      for (int v = 0; v < kVectors; ++v) acc[r][v] = Kv::Dot(acc[r][v], a, b[v]);
    }
  }
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
