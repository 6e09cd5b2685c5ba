// Bits of tokens, as the sample op reads them (ops/sample.h).
#pragma once

#include <cstdint>
#include <span>

namespace engine {

inline constexpr int kMaskWordBits = 32;

inline void Allow(int32_t token, std::span<uint32_t> mask) {
  mask[token / kMaskWordBits] |= uint32_t{1} << (token % kMaskWordBits);
}

inline void Forbid(int32_t token, std::span<uint32_t> mask) {
  mask[token / kMaskWordBits] &= ~(uint32_t{1} << (token % kMaskWordBits));
}

inline bool IsAllowed(int32_t token, std::span<const uint32_t> mask) {
  return ((mask[token / kMaskWordBits] >> (token % kMaskWordBits)) & 1) != 0;
}

}  // namespace engine
