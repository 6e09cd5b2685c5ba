// The vector types of vector.h as plain arrays, for any x86-64. Include vector.h, which states the contract.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "backends/cpu/isa/target.h"
#include "core/base/bf16.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {

template <typename T>
struct Lanes {
  T v[16];
  Lanes() = default;
  explicit Lanes(T x) { std::fill_n(v, 16, x); }
};
using F32x16 = Lanes<float>;
using I32x16 = Lanes<int32_t>;
using Mask16 = Lanes<bool>;
struct U8x64 {
  uint8_t v[64];
};
struct QuadI8 {
  int8_t v[4];
};
struct QuadU8 {
  uint8_t v[4];
};
struct Bf16x32 {
  uint16_t v[32];
};

// fn(lane) for every lane.
template <typename T, typename Fn>
Lanes<T> MakeLanes(Fn fn) {
  Lanes<T> out;
  for (int i = 0; i < 16; ++i) out.v[i] = fn(i);
  return out;
}

inline F32x16 Load(const float* in, int count) {
  F32x16 out(0.0f);
  std::copy_n(in, count, out.v);
  return out;
}
inline F32x16 Load(const float* in) { return Load(in, 16); }
inline I32x16 Load(const int32_t* in) {
  return MakeLanes<int32_t>([&](int i) { return in[i]; });
}
inline void Store(float* out, F32x16 x) { std::copy_n(x.v, 16, out); }
inline void Store(float* out, F32x16 x, int count) { std::copy_n(x.v, count, out); }
inline void Store(int32_t* out, I32x16 x) { std::copy_n(x.v, 16, out); }

inline F32x16 operator+(F32x16 a, F32x16 b) {
  return MakeLanes<float>([&](int i) { return a.v[i] + b.v[i]; });
}
inline F32x16 operator-(F32x16 a, F32x16 b) {
  return MakeLanes<float>([&](int i) { return a.v[i] - b.v[i]; });
}
inline F32x16 operator*(F32x16 a, F32x16 b) {
  return MakeLanes<float>([&](int i) { return a.v[i] * b.v[i]; });
}
inline F32x16 operator/(F32x16 a, F32x16 b) {
  return MakeLanes<float>([&](int i) { return a.v[i] / b.v[i]; });
}
inline F32x16 Fma(F32x16 a, F32x16 b, F32x16 c) {
  return MakeLanes<float>([&](int i) { return std::fma(a.v[i], b.v[i], c.v[i]); });
}
inline F32x16 Min(F32x16 a, F32x16 b) {
  return MakeLanes<float>([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
inline F32x16 Max(F32x16 a, F32x16 b) {
  return MakeLanes<float>([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
inline F32x16 Sqrt(F32x16 x) {
  return MakeLanes<float>([&](int i) { return std::sqrt(x.v[i]); });
}
inline F32x16 Abs(F32x16 x) {
  return MakeLanes<float>([&](int i) { return std::fabs(x.v[i]); });
}
inline F32x16 Round(F32x16 x) {
  return MakeLanes<float>([&](int i) { return std::nearbyint(x.v[i]); });
}

// Integers wrap around, as registers do.
inline int32_t Wrap(uint32_t x) { return static_cast<int32_t>(x); }
inline uint32_t Bits(int32_t x) { return static_cast<uint32_t>(x); }
inline I32x16 operator+(I32x16 a, I32x16 b) {
  return MakeLanes<int32_t>([&](int i) { return Wrap(Bits(a.v[i]) + Bits(b.v[i])); });
}
inline I32x16 operator-(I32x16 a, I32x16 b) {
  return MakeLanes<int32_t>([&](int i) { return Wrap(Bits(a.v[i]) - Bits(b.v[i])); });
}
inline I32x16 operator*(I32x16 a, I32x16 b) {
  return MakeLanes<int32_t>([&](int i) { return Wrap(Bits(a.v[i]) * Bits(b.v[i])); });
}
inline I32x16 operator&(I32x16 a, I32x16 b) {
  return MakeLanes<int32_t>([&](int i) { return a.v[i] & b.v[i]; });
}
inline I32x16 operator|(I32x16 a, I32x16 b) {
  return MakeLanes<int32_t>([&](int i) { return a.v[i] | b.v[i]; });
}
inline I32x16 Min(I32x16 a, I32x16 b) {
  return MakeLanes<int32_t>([&](int i) { return std::min(a.v[i], b.v[i]); });
}
inline I32x16 Max(I32x16 a, I32x16 b) {
  return MakeLanes<int32_t>([&](int i) { return std::max(a.v[i], b.v[i]); });
}
template <int kBits>
I32x16 ShiftLeft(I32x16 x) {
  return MakeLanes<int32_t>([&](int i) { return Wrap(Bits(x.v[i]) << kBits); });
}
template <int kBits>
I32x16 ShiftRight(I32x16 x) {
  return MakeLanes<int32_t>([&](int i) { return Wrap(Bits(x.v[i]) >> kBits); });
}

inline I32x16 BitsOf(F32x16 x) { return std::bit_cast<I32x16>(x); }
inline F32x16 FromBits(I32x16 x) { return std::bit_cast<F32x16>(x); }
inline F32x16 ToF32(I32x16 x) {
  return MakeLanes<float>([&](int i) { return static_cast<float>(x.v[i]); });
}
inline I32x16 ToI32(F32x16 x) {
  return MakeLanes<int32_t>([&](int i) { return static_cast<int32_t>(std::nearbyint(x.v[i])); });
}

template <typename T>
Mask16 operator<(Lanes<T> a, Lanes<T> b) {
  return MakeLanes<bool>([&](int i) { return a.v[i] < b.v[i]; });
}
template <typename T>
Mask16 operator==(Lanes<T> a, Lanes<T> b) {
  return MakeLanes<bool>([&](int i) { return a.v[i] == b.v[i]; });
}
template <typename T>
Lanes<T> Select(Mask16 mask, Lanes<T> a, Lanes<T> b) {
  return MakeLanes<T>([&](int i) { return mask.v[i] ? a.v[i] : b.v[i]; });
}
inline bool Any(Mask16 mask) { return std::find(mask.v, mask.v + 16, true) != mask.v + 16; }

template <typename T>
T ReduceMax(Lanes<T> x) {
  return *std::max_element(x.v, x.v + 16);
}
inline int32_t ReduceAdd(I32x16 x) {
  uint32_t sum = 0;
  for (const int32_t lane : x.v) sum += Bits(lane);
  return Wrap(sum);
}
// The tree of numerics rule 2 over 16 partial sums: p[i] += p[i + half] for half = 8, 4, 2, 1.
inline float TreeSum(F32x16 x) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) x.v[i] += x.v[i + half];
  }
  return x.v[0];
}

inline F32x16 LoadF16(const uint16_t* in) {
  return MakeLanes<float>([&](int i) { return F16ToF32(in[i]); });
}
inline F32x16 LoadBf16(const uint16_t* in) {
  return MakeLanes<float>([&](int i) { return Bf16ToF32(in[i]); });
}
template <typename T>
I32x16 LoadWide(const T* in) {
  return MakeLanes<int32_t>([&](int i) { return static_cast<int32_t>(in[i]); });
}
template <typename T>
void StoreNarrow(T* out, I32x16 x) {
  for (int i = 0; i < 16; ++i) out[i] = static_cast<T>(x.v[i]);
}

inline U8x64 LoadBytes(const void* in) {
  U8x64 out;
  std::memcpy(out.v, in, sizeof(out.v));
  return out;
}
inline U8x64 FourOfEach(const uint8_t* in) {
  U8x64 out;
  for (int i = 0; i < 64; ++i) out.v[i] = in[i / 4];
  return out;
}
inline U8x64 operator+(U8x64 a, U8x64 b) {
  for (int i = 0; i < 64; ++i) a.v[i] = static_cast<uint8_t>(a.v[i] + b.v[i]);
  return a;
}
inline U8x64 operator-(U8x64 a, U8x64 b) {
  for (int i = 0; i < 64; ++i) a.v[i] = static_cast<uint8_t>(a.v[i] - b.v[i]);
  return a;
}
inline U8x64 operator|(U8x64 a, U8x64 b) {
  U8x64 out;
  for (int i = 0; i < 64; ++i) out.v[i] = static_cast<uint8_t>(a.v[i] | b.v[i]);
  return out;
}
template <int kFrom, int kTo, int kWidth>
U8x64 MoveBits(U8x64 x) {
  constexpr int kMask = (1 << kWidth) - 1;
  U8x64 out;
  for (int i = 0; i < 64; ++i) out.v[i] = static_cast<uint8_t>((x.v[i] >> kFrom & kMask) << kTo);
  return out;
}
inline U8x64 LookUp(const uint8_t* table, U8x64 indices) {
  for (uint8_t& byte : indices.v) byte = table[byte];
  return indices;
}
inline QuadI8 BroadcastQuad(const int8_t* in) { return {in[0], in[1], in[2], in[3]}; }
template <int kMaxWeight>
I32x16 DotQuads(I32x16 acc, U8x64 weights, QuadI8 quad) {
  return MakeLanes<int32_t>([&](int i) {
    const uint8_t* w = weights.v + 4 * i;
    return acc.v[i] + w[0] * quad.v[0] + w[1] * quad.v[1] + w[2] * quad.v[2] + w[3] * quad.v[3];
  });
}

inline U8x64 AddBias(U8x64 x) {
  for (uint8_t& byte : x.v) byte ^= 0x80;
  return x;
}
inline QuadU8 BroadcastQuad(const uint8_t* in) { return {in[0], in[1], in[2], in[3]}; }
inline I32x16 DotSignedLanes(I32x16 acc, QuadU8 weights, U8x64 lanes) {
  const auto product = [&](int i, int byte) { return weights.v[byte] * static_cast<int8_t>(lanes.v[4 * i + byte]); };
  return MakeLanes<int32_t>(
      [&](int i) { return acc.v[i] + product(i, 0) + product(i, 1) + product(i, 2) + product(i, 3); });
}

inline Bf16x32 LoadBf16Pairs(const uint16_t* in) {
  Bf16x32 out;
  std::copy_n(in, 32, out.v);
  return out;
}
inline Bf16x32 BroadcastBf16Pair(const uint16_t* in) {
  Bf16x32 out;
  for (int i = 0; i < 32; ++i) out.v[i] = in[i % 2];
  return out;
}
inline F32x16 EvenOf(Bf16x32 pairs) {
  return MakeLanes<float>([&](int i) { return Bf16ToF32(pairs.v[2 * i]); });
}
inline F32x16 OddOf(Bf16x32 pairs) {
  return MakeLanes<float>([&](int i) { return Bf16ToF32(pairs.v[2 * i + 1]); });
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
