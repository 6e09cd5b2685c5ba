// bf16 and f16 as 16-bit patterns, converted with round to nearest even. constexpr: GPU kernels call them, too.
#pragma once

#include <bit>
#include <cstdint>

namespace engine {

constexpr float Bf16ToF32(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

constexpr uint16_t F32ToBf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);  // a quiet NaN stays one
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// f16 is f32 with a 5-bit exponent: shift the fields and let one multiplication by 2^112 correct the exponent bias,
// denormals included.
constexpr float F16ToF32(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(scaled));
}

constexpr uint16_t F32ToF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t m = bits & 0x7fffffffu;
  if (m > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  const float magnitude = std::bit_cast<float>(m);
  // 65520 is halfway between the largest f16 (65504) and the next power of two: it and everything above round to inf.
  if (magnitude >= 65520.0f) return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x1p-14f) {
    // Denormals are multiples of 2^-24; adding 0.5 (whose ulp is 2^-24) rounds to that grid.
    const uint32_t rounded = std::bit_cast<uint32_t>(magnitude + 0.5f) - std::bit_cast<uint32_t>(0.5f);
    return static_cast<uint16_t>(sign | rounded);
  }
  const uint32_t rounded = m + 0xfffu + ((m >> 13) & 1u) - (112u << 23);
  return static_cast<uint16_t>(sign | (rounded >> 13));
}

}  // namespace engine
