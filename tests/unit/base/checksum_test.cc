#include "core/base/checksum.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace engine {
namespace {

std::vector<std::byte> Ramp(size_t size) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7);
  return bytes;
}

TEST(Checksum, SeesEveryFlippedBit) {
  for (const size_t size : {1, 31, 32, 33, 100}) {
    std::vector<std::byte> bytes = Ramp(size);
    const uint64_t whole = Checksum(bytes);
    for (size_t bit = 0; bit < 8 * size; ++bit) {
      bytes[bit / 8] ^= std::byte{1} << bit % 8;
      EXPECT_NE(Checksum(bytes), whole) << "bit " << bit << " of " << size << " bytes";
      bytes[bit / 8] ^= std::byte{1} << bit % 8;
    }
    EXPECT_EQ(Checksum(bytes), whole);
  }
}

// The highest bit of two words of one chain: a plain multiplication would let them cancel.
TEST(Checksum, SeesTwoFlippedBitsOfOneChain) {
  std::vector<std::byte> bytes = Ramp(128);
  const uint64_t whole = Checksum(bytes);
  bytes[7] ^= std::byte{0x80};
  bytes[39] ^= std::byte{0x80};
  EXPECT_NE(Checksum(bytes), whole);
}

TEST(Checksum, DependsOnTheLengthOfZeros) {
  std::set<uint64_t> sums;
  for (size_t size = 0; size < 100; ++size) sums.insert(Checksum(std::vector<std::byte>(size)));
  EXPECT_EQ(sums.size(), 100u);
}

}  // namespace
}  // namespace engine
