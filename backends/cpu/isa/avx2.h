// The vector types of vector.h on AVX2: two registers each. Include vector.h, which states the contract.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "backends/cpu/isa/target.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

struct F32x16 {
  __m256 lo, hi;
  F32x16() = default;
  explicit F32x16(float x) : lo(_mm256_set1_ps(x)), hi(_mm256_set1_ps(x)) {}
  F32x16(__m256 low, __m256 high) : lo(low), hi(high) {}
};
struct I32x16 {
  __m256i lo, hi;
  I32x16() = default;
  explicit I32x16(int32_t x) : lo(_mm256_set1_epi32(x)), hi(_mm256_set1_epi32(x)) {}
  I32x16(__m256i low, __m256i high) : lo(low), hi(high) {}
};
struct Mask16 {
  __m256 lo, hi;  // all bits of a lane set or clear
};
struct U8x64 {
  __m256i lo, hi;
};
struct QuadI8 {
  __m256i v;
};
struct QuadU8 {
  __m256i v;
};
struct Bf16x32 {
  __m256i lo, hi;
};

inline __m256i LoadHalf(const void* in) { return _mm256_loadu_si256(static_cast<const __m256i*>(in)); }
inline __m128i LoadQuarter(const void* in) { return _mm_loadu_si128(static_cast<const __m128i*>(in)); }
// All bits of the lanes below count; lanes are numbered from `first`.
inline __m256i FirstLanes(int first, int count) {
  const __m256i lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(first));
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane);
}

// Where lanes 8 to 15 lie; no pointer past the counted ones is formed.
template <typename T>
inline T* UpperLanes(T* lanes, int count) {
  return count > 8 ? lanes + 8 : lanes;
}

inline F32x16 Load(const float* in) { return {_mm256_loadu_ps(in), _mm256_loadu_ps(in + 8)}; }
inline F32x16 Load(const float* in, int count) {
  return {_mm256_maskload_ps(in, FirstLanes(0, count)),
          _mm256_maskload_ps(UpperLanes(in, count), FirstLanes(8, count))};
}
inline I32x16 Load(const int32_t* in) { return {LoadHalf(in), LoadHalf(in + 8)}; }
inline void Store(float* out, F32x16 x) {
  _mm256_storeu_ps(out, x.lo);
  _mm256_storeu_ps(out + 8, x.hi);
}
inline void Store(float* out, F32x16 x, int count) {
  _mm256_maskstore_ps(out, FirstLanes(0, count), x.lo);
  _mm256_maskstore_ps(UpperLanes(out, count), FirstLanes(8, count), x.hi);
}
inline void Store(int32_t* out, I32x16 x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), x.lo);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8), x.hi);
}

inline F32x16 operator+(F32x16 a, F32x16 b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
inline F32x16 operator-(F32x16 a, F32x16 b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
inline F32x16 operator*(F32x16 a, F32x16 b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
inline F32x16 operator/(F32x16 a, F32x16 b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
inline F32x16 Fma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
inline F32x16 Min(F32x16 a, F32x16 b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
inline F32x16 Max(F32x16 a, F32x16 b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
inline F32x16 Sqrt(F32x16 x) { return {_mm256_sqrt_ps(x.lo), _mm256_sqrt_ps(x.hi)}; }
inline F32x16 Abs(F32x16 x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, x.lo), _mm256_andnot_ps(sign, x.hi)};
}
inline F32x16 Round(F32x16 x) {
  constexpr int kHalfToEven = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(x.lo, kHalfToEven), _mm256_round_ps(x.hi, kHalfToEven)};
}

inline I32x16 operator+(I32x16 a, I32x16 b) { return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)}; }
inline I32x16 operator-(I32x16 a, I32x16 b) { return {_mm256_sub_epi32(a.lo, b.lo), _mm256_sub_epi32(a.hi, b.hi)}; }
inline I32x16 operator*(I32x16 a, I32x16 b) { return {_mm256_mullo_epi32(a.lo, b.lo), _mm256_mullo_epi32(a.hi, b.hi)}; }
inline I32x16 operator&(I32x16 a, I32x16 b) { return {_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)}; }
inline I32x16 operator|(I32x16 a, I32x16 b) { return {_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)}; }
inline I32x16 Min(I32x16 a, I32x16 b) { return {_mm256_min_epi32(a.lo, b.lo), _mm256_min_epi32(a.hi, b.hi)}; }
inline I32x16 Max(I32x16 a, I32x16 b) { return {_mm256_max_epi32(a.lo, b.lo), _mm256_max_epi32(a.hi, b.hi)}; }
template <int kBits>
I32x16 ShiftLeft(I32x16 x) {
  return {_mm256_slli_epi32(x.lo, kBits), _mm256_slli_epi32(x.hi, kBits)};
}
template <int kBits>
I32x16 ShiftRight(I32x16 x) {
  return {_mm256_srli_epi32(x.lo, kBits), _mm256_srli_epi32(x.hi, kBits)};
}

inline I32x16 BitsOf(F32x16 x) { return {_mm256_castps_si256(x.lo), _mm256_castps_si256(x.hi)}; }
inline F32x16 FromBits(I32x16 x) { return {_mm256_castsi256_ps(x.lo), _mm256_castsi256_ps(x.hi)}; }
inline F32x16 ToF32(I32x16 x) { return {_mm256_cvtepi32_ps(x.lo), _mm256_cvtepi32_ps(x.hi)}; }
inline I32x16 ToI32(F32x16 x) { return {_mm256_cvtps_epi32(x.lo), _mm256_cvtps_epi32(x.hi)}; }

inline Mask16 operator<(F32x16 a, F32x16 b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)};
}
inline Mask16 operator==(F32x16 a, F32x16 b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_EQ_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_EQ_OQ)};
}
inline Mask16 operator<(I32x16 a, I32x16 b) {
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(b.lo, a.lo)), _mm256_castsi256_ps(_mm256_cmpgt_epi32(b.hi, a.hi))};
}
inline Mask16 operator==(I32x16 a, I32x16 b) {
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.lo, b.lo)), _mm256_castsi256_ps(_mm256_cmpeq_epi32(a.hi, b.hi))};
}
inline F32x16 Select(Mask16 mask, F32x16 a, F32x16 b) {
  return {_mm256_blendv_ps(b.lo, a.lo, mask.lo), _mm256_blendv_ps(b.hi, a.hi, mask.hi)};
}
inline I32x16 Select(Mask16 mask, I32x16 a, I32x16 b) { return BitsOf(Select(mask, FromBits(a), FromBits(b))); }
inline bool Any(Mask16 mask) { return (_mm256_movemask_ps(mask.lo) | _mm256_movemask_ps(mask.hi)) != 0; }

// Folds a register's halves with `op` until one lane is left; which halves meet is the tree of numerics rule 2.
template <typename Op>
int32_t Fold(I32x16 x, Op op) {
  const __m256i eight = op(x.lo, x.hi);
  __m256i four = op(eight, _mm256_permute2x128_si256(eight, eight, 1));
  four = op(four, _mm256_shuffle_epi32(four, 0b01001110));
  four = op(four, _mm256_shuffle_epi32(four, 0b10110001));
  return _mm256_cvtsi256_si32(four);
}
inline int32_t ReduceMax(I32x16 x) {
  return Fold(x, [](__m256i a, __m256i b) { return _mm256_max_epi32(a, b); });
}
inline int32_t ReduceAdd(I32x16 x) {
  return Fold(x, [](__m256i a, __m256i b) { return _mm256_add_epi32(a, b); });
}
inline float ReduceMax(F32x16 x) {
  const __m256 eight = _mm256_max_ps(x.lo, x.hi);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
// The tree of numerics rule 2 over 16 partial sums: p[i] += p[i + half] for half = 8, 4, 2, 1.
inline float TreeSum(F32x16 x) {
  const __m256 eight = _mm256_add_ps(x.lo, x.hi);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline F32x16 LoadF16(const uint16_t* in) {
  return {_mm256_cvtph_ps(LoadQuarter(in)), _mm256_cvtph_ps(LoadQuarter(in + 8))};
}
inline F32x16 LoadBf16(const uint16_t* in) {
  const auto widen = [](__m128i half) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
  };
  return {widen(LoadQuarter(in)), widen(LoadQuarter(in + 8))};
}
inline I32x16 LoadWide(const int8_t* in) {
  const __m128i bytes = LoadQuarter(in);
  return {_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))};
}
// The low 16 bits of every lane, in order: packing works on 128-bit halves, the permutation undoes that.
inline __m256i Narrow(I32x16 x) {
  const __m256i low = _mm256_set1_epi32(0xffff);
  const __m256i packed = _mm256_packus_epi32(_mm256_and_si256(x.lo, low), _mm256_and_si256(x.hi, low));
  return _mm256_permute4x64_epi64(packed, 0b11011000);
}
inline void StoreNarrow(uint16_t* out, I32x16 x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), Narrow(x)); }
inline void StoreNarrow(int8_t* out, I32x16 x) {
  const __m256i words = _mm256_and_si256(Narrow(x), _mm256_set1_epi16(0xff));
  const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
}

inline U8x64 LoadBytes(const void* in) { return {LoadHalf(in), LoadHalf(static_cast<const char*>(in) + 32)}; }
inline U8x64 FourOfEach(const uint8_t* in) {
  const __m256i bytes = _mm256_broadcastsi128_si256(LoadQuarter(in));
  const __m256i first = _mm256_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3,  //
                                         4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7);
  return {_mm256_shuffle_epi8(bytes, first), _mm256_shuffle_epi8(bytes, _mm256_add_epi8(first, _mm256_set1_epi8(8)))};
}
inline U8x64 operator+(U8x64 a, U8x64 b) { return {_mm256_add_epi8(a.lo, b.lo), _mm256_add_epi8(a.hi, b.hi)}; }
inline U8x64 operator-(U8x64 a, U8x64 b) { return {_mm256_sub_epi8(a.lo, b.lo), _mm256_sub_epi8(a.hi, b.hi)}; }
inline U8x64 operator|(U8x64 a, U8x64 b) { return {_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)}; }
template <int kFrom, int kTo, int kWidth>
U8x64 MoveBits(U8x64 x) {
  const __m256i mask = _mm256_set1_epi8(static_cast<char>(((1 << kWidth) - 1) << kTo));
  if constexpr (kFrom > kTo) {
    constexpr int kBits = kFrom - kTo;
    return {_mm256_and_si256(_mm256_srli_epi16(x.lo, kBits), mask),
            _mm256_and_si256(_mm256_srli_epi16(x.hi, kBits), mask)};
  } else {
    constexpr int kBits = kTo - kFrom;
    return {_mm256_and_si256(_mm256_slli_epi16(x.lo, kBits), mask),
            _mm256_and_si256(_mm256_slli_epi16(x.hi, kBits), mask)};
  }
}
inline U8x64 LookUp(const uint8_t* table, U8x64 indices) {
  const __m256i entries = _mm256_broadcastsi128_si256(LoadQuarter(table));
  return {_mm256_shuffle_epi8(entries, indices.lo), _mm256_shuffle_epi8(entries, indices.hi)};
}
inline QuadI8 BroadcastQuad(const int8_t* in) {
  int32_t quad;
  std::memcpy(&quad, in, sizeof(quad));
  return {_mm256_set1_epi32(quad)};
}
// vpmaddubsw adds two products in 16 signed bits: 2 * 129 * 127 is the most that fits. Larger weights go by their even
// and odd bytes, widened to 16 bits.
inline __m256i EvenUnsigned(__m256i bytes) { return _mm256_and_si256(bytes, _mm256_set1_epi16(0xff)); }
inline __m256i OddUnsigned(__m256i bytes) { return _mm256_srli_epi16(bytes, 8); }
inline __m256i EvenSigned(__m256i bytes) { return _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8); }
inline __m256i OddSigned(__m256i bytes) { return _mm256_srai_epi16(bytes, 8); }
inline __m256i DotWidened(__m256i acc, __m256i unsigned_bytes, __m256i signed_bytes) {
  const __m256i even = _mm256_madd_epi16(EvenUnsigned(unsigned_bytes), EvenSigned(signed_bytes));
  const __m256i odd = _mm256_madd_epi16(OddUnsigned(unsigned_bytes), OddSigned(signed_bytes));
  return _mm256_add_epi32(acc, _mm256_add_epi32(even, odd));
}
template <int kMaxWeight>
__m256i DotQuadsHalf(__m256i acc, __m256i weights, __m256i quad) {
  if constexpr (kMaxWeight <= 129) {
    const __m256i pairs = _mm256_maddubs_epi16(weights, quad);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  } else {
    return DotWidened(acc, weights, quad);
  }
}
template <int kMaxWeight>
I32x16 DotQuads(I32x16 acc, U8x64 weights, QuadI8 quad) {
  return {DotQuadsHalf<kMaxWeight>(acc.lo, weights.lo, quad.v), DotQuadsHalf<kMaxWeight>(acc.hi, weights.hi, quad.v)};
}

// Additions of integers that a compiler reorders leave it more products that wait than registers.
inline void KeepOrder(__m256i& lo, __m256i& hi) { asm("" : "+x"(lo), "+x"(hi)); }

template <int kMaxWeight>
class QuadSums;

// Sums of two products that leave room in 16 bits are added up there before they are widened: of a quad's three
// instructions two are left.
template <int kMaxWeight>
  requires(kMaxWeight <= 64)
class QuadSums<kMaxWeight> {
 public:
  static constexpr int kMost = std::bit_floor(unsigned{INT16_MAX} / (2 * 127 * kMaxWeight));
  static constexpr bool kSigned = false;
  QuadSums() = default;
  explicit QuadSums(I32x16 start) : start_(start) {}
  void Add(U8x64 weights, QuadI8 quad) {
    lo_ = _mm256_add_epi16(lo_, _mm256_maddubs_epi16(weights.lo, quad.v));
    hi_ = _mm256_add_epi16(hi_, _mm256_maddubs_epi16(weights.hi, quad.v));
    KeepOrder(lo_, hi_);
  }
  I32x16 Total() const {
    const __m256i ones = _mm256_set1_epi16(1);
    return start_ + I32x16(_mm256_madd_epi16(lo_, ones), _mm256_madd_epi16(hi_, ones));
  }

 private:
  I32x16 start_;
  __m256i lo_ = _mm256_setzero_si256(), hi_ = _mm256_setzero_si256();
};

// The multiplication takes one unsigned operand: the weight's magnitude; the other gets its sign. Two products make at most
// 2 * 128 * 127, which fits.
template <int kMaxWeight>
  requires(kMaxWeight > 129)
class QuadSums<kMaxWeight> {
 public:
  static constexpr int kMost = 8;
  static constexpr bool kSigned = true;
  QuadSums() = default;
  explicit QuadSums(I32x16 start) : sums_(start) {}
  void Add(U8x64 weights, QuadI8 quad) {
    sums_ = {DotQuadsHalf<128>(sums_.lo, _mm256_abs_epi8(weights.lo), _mm256_sign_epi8(quad.v, weights.lo)),
             DotQuadsHalf<128>(sums_.hi, _mm256_abs_epi8(weights.hi), _mm256_sign_epi8(quad.v, weights.hi))};
    KeepOrder(sums_.lo, sums_.hi);
  }
  I32x16 Total() const { return sums_; }

 private:
  I32x16 sums_;
};

inline U8x64 AddBias(U8x64 x) {
  const __m256i bias = _mm256_set1_epi8(INT8_MIN);
  return {_mm256_xor_si256(x.lo, bias), _mm256_xor_si256(x.hi, bias)};
}
inline QuadU8 BroadcastQuad(const uint8_t* in) { return {BroadcastQuad(reinterpret_cast<const int8_t*>(in)).v}; }
inline I32x16 DotSignedLanes(I32x16 acc, QuadU8 weights, U8x64 lanes) {
  return {DotWidened(acc.lo, weights.v, lanes.lo), DotWidened(acc.hi, weights.v, lanes.hi)};
}

inline Bf16x32 LoadBf16Pairs(const uint16_t* in) { return {LoadHalf(in), LoadHalf(in + 16)}; }
inline Bf16x32 BroadcastBf16Pair(const uint16_t* in) {
  int32_t pair;
  std::memcpy(&pair, in, sizeof(pair));
  return {_mm256_set1_epi32(pair), _mm256_set1_epi32(pair)};
}
inline F32x16 EvenOf(Bf16x32 pairs) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(pairs.lo, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(pairs.hi, 16))};
}
inline F32x16 OddOf(Bf16x32 pairs) {
  const __m256i high = _mm256_set1_epi32(static_cast<int32_t>(0xffff0000));
  return {_mm256_castsi256_ps(_mm256_and_si256(pairs.lo, high)), _mm256_castsi256_ps(_mm256_and_si256(pairs.hi, high))};
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
