// The two kinds of KV cache as kernels see them: what one reduction step of a dot product multiplies.
#pragma once

#include "backends/cpu/isa/vector.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// A step is a pair of elements.
struct Bf16Kv {
  using Element = uint16_t;
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
  using Element = float;
  using Scope = KeepDenormalsScope;
  static constexpr int64_t kStep = 1;

  static F32x16 Dot(F32x16 acc, F32x16 a, F32x16 b) { return Fma(a, b, acc); }
  static F32x16 Broadcast(const float* in) { return F32x16(*in); }
  static F32x16 LoadLanes(const float* in) { return Load(in); }
  static void StoreWeights(float* out, F32x16 x) { Store(out, x); }
};

// acc[r] += sum over `steps` of a[r][step] * b[step][lane], 32 lanes wide. `a_row` and `b_step` count elements.
template <typename Kv, int kRows>
void Accumulate(const typename Kv::Element* a, int64_t a_row, const typename Kv::Element* b, int64_t b_step,
                int64_t steps, F32x16 (&acc)[kRows][2]) {
  for (int64_t s = 0; s < steps; ++s) {
    const auto low = Kv::LoadLanes(b + s * b_step);
    const auto high = Kv::LoadLanes(b + s * b_step + 16 * Kv::kStep);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const auto broadcast = Kv::Broadcast(a + r * a_row + s * Kv::kStep);
      acc[r][0] = Kv::Dot(acc[r][0], broadcast, low);
      acc[r][1] = Kv::Dot(acc[r][1], broadcast, high);
    }
  }
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
