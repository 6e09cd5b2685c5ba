// The vector types of vector.h on AVX-512: one register each. Include vector.h, which states the contract.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "backends/cpu/isa/target.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

struct F32x16 {
  __m512 v;
  F32x16() = default;
  explicit F32x16(float x) : v(_mm512_set1_ps(x)) {}
  explicit F32x16(__m512 x) : v(x) {}
};
struct I32x16 {
  __m512i v;
  I32x16() = default;
  explicit I32x16(int32_t x) : v(_mm512_set1_epi32(x)) {}
  explicit I32x16(__m512i x) : v(x) {}
};
struct Mask16 {
  __mmask16 v;
};
struct U8x64 {
  __m512i v;
};
struct QuadI8 {
  __m512i v;
};
struct QuadU8 {
  __m512i v;
};
struct Bf16x32 {
  __m512bh v;
};

inline __mmask16 FirstLanes(int count) { return static_cast<__mmask16>((1u << count) - 1u); }

inline F32x16 Load(const float* in) { return F32x16(_mm512_loadu_ps(in)); }
inline F32x16 Load(const float* in, int count) { return F32x16(_mm512_maskz_loadu_ps(FirstLanes(count), in)); }
inline I32x16 Load(const int32_t* in) { return I32x16(_mm512_loadu_si512(in)); }
inline void Store(float* out, F32x16 x) { _mm512_storeu_ps(out, x.v); }
inline void Store(float* out, F32x16 x, int count) { _mm512_mask_storeu_ps(out, FirstLanes(count), x.v); }
inline void Store(int32_t* out, I32x16 x) { _mm512_storeu_si512(out, x.v); }

inline F32x16 operator+(F32x16 a, F32x16 b) { return F32x16(_mm512_add_ps(a.v, b.v)); }
inline F32x16 operator-(F32x16 a, F32x16 b) { return F32x16(_mm512_sub_ps(a.v, b.v)); }
inline F32x16 operator*(F32x16 a, F32x16 b) { return F32x16(_mm512_mul_ps(a.v, b.v)); }
inline F32x16 operator/(F32x16 a, F32x16 b) { return F32x16(_mm512_div_ps(a.v, b.v)); }
inline F32x16 Fma(F32x16 a, F32x16 b, F32x16 c) { return F32x16(_mm512_fmadd_ps(a.v, b.v, c.v)); }
inline F32x16 Min(F32x16 a, F32x16 b) { return F32x16(_mm512_min_ps(a.v, b.v)); }
inline F32x16 Max(F32x16 a, F32x16 b) { return F32x16(_mm512_max_ps(a.v, b.v)); }
inline F32x16 Sqrt(F32x16 x) { return F32x16(_mm512_sqrt_ps(x.v)); }
inline F32x16 Abs(F32x16 x) { return F32x16(_mm512_abs_ps(x.v)); }
inline F32x16 Round(F32x16 x) {
  return F32x16(_mm512_roundscale_ps(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline F32x16 Scale2(F32x16 x, F32x16 n) { return F32x16(_mm512_scalef_ps(x.v, n.v)); }

inline I32x16 operator+(I32x16 a, I32x16 b) { return I32x16(_mm512_add_epi32(a.v, b.v)); }
inline I32x16 operator-(I32x16 a, I32x16 b) { return I32x16(_mm512_sub_epi32(a.v, b.v)); }
inline I32x16 operator*(I32x16 a, I32x16 b) { return I32x16(_mm512_mullo_epi32(a.v, b.v)); }
inline I32x16 operator&(I32x16 a, I32x16 b) { return I32x16(_mm512_and_si512(a.v, b.v)); }
inline I32x16 operator|(I32x16 a, I32x16 b) { return I32x16(_mm512_or_si512(a.v, b.v)); }
inline I32x16 Min(I32x16 a, I32x16 b) { return I32x16(_mm512_min_epi32(a.v, b.v)); }
inline I32x16 Max(I32x16 a, I32x16 b) { return I32x16(_mm512_max_epi32(a.v, b.v)); }
template <int kBits>
I32x16 ShiftLeft(I32x16 x) {
  return I32x16(_mm512_slli_epi32(x.v, kBits));
}
template <int kBits>
I32x16 ShiftRight(I32x16 x) {
  return I32x16(_mm512_srli_epi32(x.v, kBits));
}

inline I32x16 BitsOf(F32x16 x) { return I32x16(_mm512_castps_si512(x.v)); }
inline F32x16 FromBits(I32x16 x) { return F32x16(_mm512_castsi512_ps(x.v)); }
inline F32x16 ToF32(I32x16 x) { return F32x16(_mm512_cvtepi32_ps(x.v)); }
inline I32x16 ToI32(F32x16 x) { return I32x16(_mm512_cvtps_epi32(x.v)); }

inline Mask16 operator<(F32x16 a, F32x16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
inline Mask16 operator==(F32x16 a, F32x16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
inline Mask16 operator<(I32x16 a, I32x16 b) { return {_mm512_cmplt_epi32_mask(a.v, b.v)}; }
inline Mask16 operator==(I32x16 a, I32x16 b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
inline F32x16 Select(Mask16 mask, F32x16 a, F32x16 b) { return F32x16(_mm512_mask_blend_ps(mask.v, b.v, a.v)); }
inline I32x16 Select(Mask16 mask, I32x16 a, I32x16 b) { return I32x16(_mm512_mask_blend_epi32(mask.v, b.v, a.v)); }
inline bool Any(Mask16 mask) { return mask.v != 0; }

inline int32_t ReduceMax(I32x16 x) { return _mm512_reduce_max_epi32(x.v); }
inline int32_t ReduceAdd(I32x16 x) { return _mm512_reduce_add_epi32(x.v); }
inline float ReduceMax(F32x16 x) { return _mm512_reduce_max_ps(x.v); }
// The tree of numerics rule 2 over 16 partial sums: p[i] += p[i + half] for half = 8, 4, 2, 1.
inline float TreeSum(F32x16 x) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x.v), _mm512_extractf32x8_ps(x.v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline F32x16 LoadF16(const uint16_t* in) {
  return F32x16(_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in))));
}
inline F32x16 LoadBf16(const uint16_t* in) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in)));
  return F32x16(_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16)));
}
inline I32x16 LoadWide(const int8_t* in) {
  return I32x16(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in))));
}
inline void StoreNarrow(uint16_t* out, I32x16 x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_cvtepi32_epi16(x.v));
}
inline void StoreNarrow(int8_t* out, I32x16 x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi32_epi8(x.v));
}

// Of a pair of vectors half the lanes are compared at a time: a tree of each alone would shuffle thrice as often.
inline void ReduceMaxOfEach(const I32x16 (&x)[4], int32_t (&out)[4]) {
  const auto halve = [](__m512i a, __m512i b) {
    return _mm512_max_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
  };
  const __m512 ab = _mm512_castsi512_ps(halve(x[0].v, x[1].v)), cd = _mm512_castsi512_ps(halve(x[2].v, x[3].v));
  const __m512i all = _mm512_max_epi32(_mm512_castps_si512(_mm512_shuffle_ps(ab, cd, 0x88)),
                                       _mm512_castps_si512(_mm512_shuffle_ps(ab, cd, 0xdd)));
  const __m256i half = _mm256_max_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  const __m128i four = _mm_max_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), four);
}
// Bytes are summed in eights, unsigned and so 128 too large.
inline void StoreNarrowWithSums(int8_t* out, int16_t* sums, I32x16 first, I32x16 second) {
  const __m256i bytes =
      _mm256_inserti128_si256(_mm256_castsi128_si256(_mm512_cvtepi32_epi8(first.v)), _mm512_cvtepi32_epi8(second.v), 1);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), bytes);
  const __m256i eights = _mm256_sad_epu8(_mm256_xor_si256(bytes, _mm256_set1_epi8(INT8_MIN)), _mm256_setzero_si256());
  const __m256i halves =
      _mm256_sub_epi64(_mm256_add_epi64(eights, _mm256_shuffle_epi32(eights, 0x4e)), _mm256_set1_epi64x(16 * 128));
  _mm_storeu_si32(sums, _mm_unpacklo_epi16(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1)));
}

inline U8x64 LoadBytes(const void* in) { return {_mm512_loadu_si512(in)}; }
inline U8x64 FourOfEach(const uint8_t* in) {
  const __m512i lanes = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in)));
  return {_mm512_shuffle_epi8(
      lanes, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12)))};
}
inline U8x64 operator|(U8x64 a, U8x64 b) { return {_mm512_or_si512(a.v, b.v)}; }
inline U8x64 operator+(U8x64 a, U8x64 b) { return {_mm512_add_epi8(a.v, b.v)}; }
inline U8x64 operator-(U8x64 a, U8x64 b) { return {_mm512_sub_epi8(a.v, b.v)}; }
template <int kFrom, int kTo, int kWidth>
U8x64 MoveBits(U8x64 x) {
  const __m512i mask = _mm512_set1_epi8(static_cast<char>(((1 << kWidth) - 1) << kTo));
  if constexpr (kFrom > kTo) {
    return {_mm512_and_si512(_mm512_srli_epi16(x.v, kFrom - kTo), mask)};
  } else {
    return {_mm512_and_si512(_mm512_slli_epi16(x.v, kTo - kFrom), mask)};
  }
}
inline U8x64 LookUp(const uint8_t* table, U8x64 indices) {
  const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return {_mm512_shuffle_epi8(_mm512_broadcast_i32x4(entries), indices.v)};
}
inline QuadI8 BroadcastQuad(const int8_t* in) {
  int32_t quad;
  std::memcpy(&quad, in, sizeof(quad));
  return {_mm512_set1_epi32(quad)};
}
template <int kMaxWeight>
I32x16 DotQuads(I32x16 acc, U8x64 weights, QuadI8 quad) {
  return I32x16(_mm512_dpbusd_epi32(acc.v, weights.v, quad.v));
}

inline U8x64 AddBias(U8x64 x) { return {_mm512_xor_si512(x.v, _mm512_set1_epi8(INT8_MIN))}; }
inline QuadU8 BroadcastQuad(const uint8_t* in) { return {BroadcastQuad(reinterpret_cast<const int8_t*>(in)).v}; }
inline I32x16 DotSignedLanes(I32x16 acc, QuadU8 weights, U8x64 lanes) {
  return I32x16(_mm512_dpbusd_epi32(acc.v, weights.v, lanes.v));
}

inline Bf16x32 LoadBf16Pairs(const uint16_t* in) { return {reinterpret_cast<__m512bh>(_mm512_loadu_si512(in))}; }
inline Bf16x32 BroadcastBf16Pair(const uint16_t* in) {
  int32_t pair;
  std::memcpy(&pair, in, sizeof(pair));
  return {reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair))};
}
inline F32x16 DotBf16Pairs(F32x16 acc, Bf16x32 a, Bf16x32 b) { return F32x16(_mm512_dpbf16_ps(acc.v, a.v, b.v)); }

// vdpbf16ps flushes by itself.
class FlushDenormalsScope {
 public:
  FlushDenormalsScope() {}
};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
