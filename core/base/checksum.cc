#include "core/base/checksum.h"

#include <bit>
#include <cstring>

namespace engine {
namespace {

// Odd, with about as many ones as zeros: multiplying by them loses nothing and spreads every bit upwards.
constexpr uint64_t kFirst = 0x9e3779b97f4a7c15;
constexpr uint64_t kSecond = 0xbf58476d1ce4e5b9;

// For a given sum, no two words give the same result, so one wrong word is always seen. The rotation brings the highest
// bits back to where the next multiplication spreads them.
uint64_t Mix(uint64_t sum, uint64_t word) { return std::rotl(sum + word * kFirst, 31) * kSecond; }

uint64_t WordAt(const std::byte* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

}  // namespace

uint64_t Checksum(std::span<const std::byte> bytes) {
  constexpr size_t kStep = 4 * sizeof(uint64_t);  // four chains hide the latency of their multiplications
  uint64_t sums[4] = {1, 2, 3, 4};
  size_t at = 0;
  for (; at + kStep <= bytes.size(); at += kStep) {
    for (size_t lane = 0; lane < 4; ++lane) sums[lane] = Mix(sums[lane], WordAt(&bytes[at + lane * sizeof(uint64_t)]));
  }
  uint64_t sum = bytes.size();
  for (; at < bytes.size(); ++at) sum = Mix(sum, std::to_integer<uint64_t>(bytes[at]));
  for (const uint64_t lane : sums) sum = Mix(sum, lane);
  return sum;
}

}  // namespace engine
