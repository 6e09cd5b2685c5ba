// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011): random bits as a function of key and counter, with no state, so that
// a draw depends on nothing but the request's seed, choice and position.
#pragma once

#include <array>
#include <cstdint>

namespace engine {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

constexpr PhiloxCounter Philox(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t left = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t right = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(right >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(right),
               static_cast<uint32_t>(left >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(left)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// The number that a token's draw uses: words 0 (low) and 1 of the block at counter (position, choice, 0, 0).
constexpr uint64_t DrawBits(uint64_t seed, int32_t choice, int32_t position) {
  const PhiloxCounter block = Philox({static_cast<uint32_t>(position), static_cast<uint32_t>(choice), 0, 0},
                                     {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  return block[0] | uint64_t{block[1]} << 32;
}

}  // namespace engine
