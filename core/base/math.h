// exp, tanh, sigmoid and log as fixed sequences of IEEE operations: every kernel that uses them gives the same bits.
//
// All are constexpr, which is what lets GPU kernels call them (backends/gpu/port/port.h).
//
// The templates work on a "float-like" type V: float here, vectors in backends/*/isa. V(1.0f) broadcasts, + - * / are
// lane by lane, and these functions are found by argument:
//   Fma(a, b, c)   a * b + c, rounded once          Round(x)       to the nearest integer, half to even
//   Min(a, b)      a < b ? a : b                    Max(a, b)      a > b ? a : b (NaN: b, as x86 has it)
//   Abs(x)         clears the sign                  CopySign(x, y) x >= +0 with y's sign
//   Scale2(x, n)   x * 2^n rounded once, for 0.25 <= |x| < 4 and integers -160 <= n <= 160; NaN when x or n is NaN
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace engine {

constexpr float Fma(float a, float b, float c) { return std::fma(a, b, c); }
constexpr float Round(float x) { return std::nearbyint(x); }
constexpr float Min(float a, float b) { return a < b ? a : b; }
constexpr float Max(float a, float b) { return a > b ? a : b; }
constexpr float Abs(float x) { return std::fabs(x); }
constexpr float CopySign(float x, float y) { return std::copysign(x, y); }
constexpr float Sqrt(float x) { return std::sqrt(x); }

// 2^n for integers -126 <= n <= 127. Adding 1.5 * 2^23 leaves n in the low bits of the sum.
constexpr float PowerOfTwo(float n) {
  return std::bit_cast<float>((std::bit_cast<uint32_t>(n + 0x1.8p23f) + 127u) << 23);
}

// In two factors: 2^n may be no float while x * 2^n is. The first product is exact, so the result is rounded once.
constexpr float Scale2(float x, float n) {
  const float half = Round(n * 0.5f);
  return (x * PowerOfTwo(half)) * PowerOfTwo(n - half);
}

inline constexpr float kLog2E = 0x1.715476p+0f;
// ln 2 as a sum of two floats. n * kLn2High enters an fma, so its product needs no spare bits.
inline constexpr float kLn2High = 0x1.62e43p-1f;
inline constexpr float kLn2Low = -0x1.05c61p-29f;

// x = n * ln 2 + r with |r| <= ln 2 / 2 (a little more where Round was off by x's last bit).
template <typename V>
struct Exponent {
  V n;
  V r;
};
template <typename V>
constexpr Exponent<V> SplitExponent(V x) {
  const V n = Round(x * V(kLog2E));
  return {n, Fma(n, V(-kLn2Low), Fma(n, V(-kLn2High), x))};
}

// e^r - 1 for |r| <= 0.3468: r + r^2 q(r), q fitted to (e^r - 1 - r) / r^2 by least squares with weight r^2 / e^r at
// Chebyshev points, each coefficient rounded before the next was fitted. Off by at most 3.7e-9 e^r: 0.06 ulp of e^r.
template <typename V>
constexpr V Expm1Reduced(V r) {
  V q = V(0x1.685188p-10f);
  q = Fma(q, r, V(0x1.123bdep-7f));
  q = Fma(q, r, V(0x1.555b98p-5f));
  q = Fma(q, r, V(0x1.55548ep-3f));
  q = Fma(q, r, V(0x1.fffff8p-2f));
  return Fma(q, r * r, r);
}

// Within 1.2 ulp: 0.5 from the last addition, 0.25 each from r^2 q + r and from r (half an ulp of numbers below 0.35,
// relative to a result above 0.7), 0.06 from the polynomial, and the ulp's jump at 1. Denormal results are rounded once
// more, which adds half of their ulp. Exp(0) = 1.
// Below -104, 2^-150 and less rounds to 0; from 89 on, more than 2^128 is infinite: clamping there changes nothing.
template <typename V>
constexpr V Exp(V x) {
  const V clamped = Min(V(89.0f), Max(V(-104.0f), x));
  const auto [n, r] = SplitExponent(clamped);
  return Scale2(V(1.0f) + Expm1Reduced(r), n);
}

// 1 / (1 + e^-x). Within 2.5 ulp where the result is normal: Exp's 1.2, halves for the sum and the quotient. 0 below
// -88.8, where e^-x is infinite.
template <typename V>
constexpr V Sigmoid(V x) {
  return V(1.0f) / (V(1.0f) + Exp(V(0.0f) - x));
}

// tanh |x| = t / (t + 2) with t = e^2|x| - 1 = 2^n (e^r - 1) + (2^n - 1), which keeps its precision near 0. Within 3
// ulp: half an ulp each for t, t + 2 and the quotient, up to twice as much where the quotient's last place is half the
// operand's, as for t where n = 1 and r < 0 cancel.
// From 2|x| = 20 on, 1 - tanh |x| < 2 e^-20 = 4e-9, less than half an ulp of 1.
template <typename V>
constexpr V Tanh(V x) {
  const V twice = Min(V(20.0f), Abs(x) + Abs(x));
  const auto [n, r] = SplitExponent(twice);
  const V power = Scale2(V(1.0f), n);
  const V t = Fma(power, Expm1Reduced(r), power - V(1.0f));
  return CopySign(t / (t + V(2.0f)), x);
}

// ln x, for one number per row. x = 2^e m with m in [sqrt(1/2), sqrt(2)); with s = (m - 1) / (m + 1),
// ln m = 2 (s + s^3/3 + s^5/5 + s^7/7 + s^9/9): the series' tail is below s^10 / 11 = 2e-9 of ln m, as |s| <= 0.1716.
// Within 3 ulp: near 1, m - 1 is exact, m + 1, the quotient and the polynomial's last step are rounded.
constexpr float Log(float x) {
  if (!(x > 0.0f)) return x == 0.0f ? -std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  if (x == std::numeric_limits<float>::infinity()) return x;
  const bool denormal = x < std::numeric_limits<float>::min();
  const uint32_t bits = std::bit_cast<uint32_t>(denormal ? x * 0x1p23f : x);
  // Counts exponents from sqrt(1/2) = 0x3f3504f3 instead of from 1.
  const int32_t e = static_cast<int32_t>(bits - 0x3f3504f3u) >> 23;
  const float m = std::bit_cast<float>(bits - (static_cast<uint32_t>(e) << 23));
  const float s = (m - 1.0f) / (m + 1.0f);
  const float z = s * s;
  float tail = 1.0f / 9;
  tail = Fma(tail, z, 1.0f / 7);
  tail = Fma(tail, z, 1.0f / 5);
  tail = Fma(tail, z, 1.0f / 3);
  const float log_m = Fma((s + s) * z, tail, s + s);
  const float exponent = static_cast<float>(denormal ? e - 23 : e);
  return Fma(exponent, kLn2High, Fma(exponent, kLn2Low, log_m));
}

}  // namespace engine
