// Vectors of 16 lanes, the same on every instruction set: kernels are written once over them and agree by construction.
//
//   F32x16, I32x16   16 numbers. F32x16(x) and I32x16(x) broadcast. + - * / and Min, Max, Sqrt, Abs, Round (half to
//                    even), Fma work lane by lane and are found by the templates of core/base/math.h: Exp, Sigmoid,
//                    Tanh.
//   Mask16           from < and ==; Select(mask, a, b) takes a where the mask is set
//   Load, Store      any alignment; with a count, the first lanes only (the others load as 0 and are not stored)
//   LoadF16, LoadBf16, StoreBf16    16-bit numbers widened, or rounded to nearest even (denormals kept)
//   LoadWide, StoreNarrow           8-bit integers widened to I32x16; its lanes cut to their low 8 or 16 bits
//   ToI32            half to even, for numbers within int32; ToF32; BitsOf and FromBits reinterpret
//   ReduceMax, ReduceAdd            over the lanes; only for operations whose order does not show. TreeSum: rule 2's
//   ReduceMaxOfEach  ReduceMax of a few vectors at once
//   StoreNarrowWithSums      StoreNarrow of two vectors within [-127, 127], side by side, and the sum of each
//   U8x64            64 bytes, four per lane
//   FourOfEach       16 bytes, each in its lane four times
//   MoveBits         <from, to, width> moves a bit field of every byte and clears the rest
//   LookUp           table[b] for every byte b, all below 16; the table has 16 bytes
//   DotQuads         <m>: acc + w[0] a[0] + ... + w[3] a[3] in every lane, exact, for unsigned weights up to m and
//                    |a| <= 127
//   DotSignedLanes   the same for unsigned weights that are broadcast and signed bytes in the lanes: any of both
//   QuadSums         <m>: start + up to kMost DotQuads<m>, in as few instructions as each set has for that. Where kSigned,
//                    weights are signed bytes, those of DotQuads less 128
//   AddBias          signed bytes + 128, as unsigned ones
//   DotBf16Pairs     one step of the pair chain of numerics rule 3; every pair a lane of its own
//   BroadcastBf16Pair               puts one pair into every lane
//   DotPairs, Widen  below AVX-512: the same step of pairs that were widened before
//   FlushDenormalsScope             around a chain of DotBf16Pairs: denormals count as zero, as vdpbf16ps has it.
//                    Compilers move arithmetic across it, so the scope stands around the call of a noinline function
//                    with nothing else.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "backends/cpu/isa/target.h"
#include "core/base/bf16.h"

#if ENGINE_ISA_LEVEL == 2
#include "backends/cpu/isa/avx512.h"
#elif ENGINE_ISA_LEVEL == 1
#include "backends/cpu/isa/avx2.h"
#else
#include "backends/cpu/isa/portable.h"
#endif

// Templates over F32x16 need its instructions. The scalar functions beside them get those too and must not be called
// between ENGINE_ISA_BEGIN_ and ENGINE_ISA_END_: tests/unit/cpu/isa_symbols_test.py finds any that were.
ENGINE_ISA_BEGIN_
#include "core/base/math.h"
ENGINE_ISA_END_

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

inline F32x16 CopySign(F32x16 magnitude, F32x16 sign) {
  return FromBits(BitsOf(magnitude) | (BitsOf(sign) & I32x16(INT32_MIN)));
}

#if ENGINE_ISA_LEVEL < 2
// In two factors, as core/base/math.h does it; AVX-512 has an instruction.
inline F32x16 PowerOfTwo(F32x16 n) { return FromBits(ShiftLeft<23>(BitsOf(n + F32x16(0x1.8p23f)) + I32x16(127))); }
inline F32x16 Scale2(F32x16 x, F32x16 n) {
  const F32x16 half = Round(n * F32x16(0.5f));
  return (x * PowerOfTwo(half)) * PowerOfTwo(n - half);
}

// Pairs of numbers, those of a lane each.
struct F32Pairs {
  F32x16 even, odd;
};
inline F32Pairs Widen(Bf16x32 pairs) { return {EvenOf(pairs), OddOf(pairs)}; }
inline F32x16 DotPairs(F32x16 acc, F32Pairs a, F32Pairs b) { return Fma(a.even, b.even, Fma(a.odd, b.odd, acc)); }
inline F32x16 DotBf16Pairs(F32x16 acc, Bf16x32 a, Bf16x32 b) { return DotPairs(acc, Widen(a), Widen(b)); }

class FlushDenormalsScope {
 public:
  FlushDenormalsScope() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | kFlushResults | kDenormalsAreZero); }
  ~FlushDenormalsScope() { _mm_setcsr(saved_); }
  FlushDenormalsScope(const FlushDenormalsScope&) = delete;
  FlushDenormalsScope& operator=(const FlushDenormalsScope&) = delete;

 private:
  static constexpr unsigned kFlushResults = 0x8000;
  static constexpr unsigned kDenormalsAreZero = 0x40;
  unsigned saved_;
};
#endif

#if ENGINE_ISA_LEVEL != 1
template <int kMaxWeight>
class QuadSums {
 public:
  static constexpr int kMost = 8;
  static constexpr bool kSigned = false;
  QuadSums() = default;
  explicit QuadSums(I32x16 start) : sums_(start) {}
  void Add(U8x64 weights, QuadI8 quad) { sums_ = DotQuads<kMaxWeight>(sums_, weights, quad); }
  I32x16 Total() const { return sums_; }

 private:
  I32x16 sums_;
};
#endif

template <int kCount>
void ReduceMaxOfEach(const I32x16 (&x)[kCount], int32_t (&out)[kCount]) {
  for (int i = 0; i < kCount; ++i) out[i] = ReduceMax(x[i]);
}
#if ENGINE_ISA_LEVEL < 2
inline void StoreNarrowWithSums(int8_t* out, int16_t* sums, I32x16 first, I32x16 second) {
  StoreNarrow(out, first);
  StoreNarrow(out + 16, second);
  sums[0] = static_cast<int16_t>(ReduceAdd(first));
  sums[1] = static_cast<int16_t>(ReduceAdd(second));
}
#endif

// F32ToBf16 of core/base/bf16.h in every lane: a NaN stays one.
inline void StoreBf16(uint16_t* out, F32x16 x) {
  const I32x16 bits = BitsOf(x);
  const I32x16 rounded = bits + I32x16(0x7fff) + (ShiftRight<16>(bits) & I32x16(1));
  const Mask16 is_nan = I32x16(0x7f800000) < (bits & I32x16(0x7fffffff));
  StoreNarrow(out, ShiftRight<16>(Select(is_nan, bits | I32x16(0x400000), rounded)));
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
