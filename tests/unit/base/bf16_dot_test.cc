// The software pair chain against the instruction that it describes.
#include "core/base/bf16_dot.h"

#include <immintrin.h>

#include <bit>
#include <random>

#include "gtest/gtest.h"

namespace engine {
namespace {

constexpr int kLanes = 16;

struct Operands {
  alignas(64) uint16_t a[2 * kLanes];
  alignas(64) uint16_t b[2 * kLanes];
  alignas(64) float acc[kLanes];
};

__attribute__((target("avx512f,avx512bf16"))) void Hardware(const Operands& in, float* out) {
  const auto a = reinterpret_cast<__m512bh>(_mm512_load_si512(in.a));
  const auto b = reinterpret_cast<__m512bh>(_mm512_load_si512(in.b));
  _mm512_storeu_ps(out, _mm512_dpbf16_ps(_mm512_load_ps(in.acc), a, b));
}

// Bits of a number with a random sign and mantissa, and an exponent field from `low` on.
uint32_t RandomBits(std::mt19937_64& random, uint32_t low, uint32_t count) {
  const auto bits = static_cast<uint32_t>(random());
  return (bits & 0x807fffffu) | (low + static_cast<uint32_t>(random() % count)) << 23;
}

// Exponent fields of factors and accumulators.
struct Range {
  const char* name;
  uint32_t a, a_count, b, b_count, acc, acc_count;
};

void ExpectHardwareBits(const Range& range) {
  constexpr uint64_t kSeed = 20;
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 100000; ++round) {
    Operands in;
    for (int i = 0; i < 2 * kLanes; ++i) {
      in.a[i] = static_cast<uint16_t>(RandomBits(random, range.a, range.a_count) >> 16);
      in.b[i] = static_cast<uint16_t>(RandomBits(random, range.b, range.b_count) >> 16);
    }
    for (float& acc : in.acc) acc = std::bit_cast<float>(RandomBits(random, range.acc, range.acc_count));
    float out[kLanes];
    Hardware(in, out);
    for (int i = 0; i < kLanes; ++i) {
      const float ours = Bf16PairStep({in.a[2 * i], in.a[2 * i + 1]}, {in.b[2 * i], in.b[2 * i + 1]}, in.acc[i]);
      if (std::isnan(ours) && std::isnan(out[i])) continue;
      ASSERT_EQ(std::bit_cast<uint32_t>(ours), std::bit_cast<uint32_t>(out[i]))
          << range.name << ", seed " << kSeed << ", round " << round << ", lane " << i << ": " << ours << ", hardware "
          << out[i];
    }
  }
}

TEST(Bf16PairStep, IsWhatTheInstructionDoes) {
  if (!__builtin_cpu_supports("avx512bf16")) GTEST_SKIP() << "this CPU has no AVX-512 BF16";
  // Exponent field 127 is 1; fields of a product add up to 127 more than its own.
  ExpectHardwareBits({"any bits", 0, 256, 0, 256, 0, 256});
  ExpectHardwareBits({"about 1", 120, 14, 120, 14, 120, 14});
  ExpectHardwareBits({"products about 2^-126", 40, 40, 27, 40, 0, 6});
  ExpectHardwareBits({"denormal factors", 0, 2, 100, 60, 0, 2});
  ExpectHardwareBits({"sums about 2^-126", 64, 1, 40, 25, 0, 3});
}

TEST(Bf16PairStep, FlushesWhatOnlyRoundsUpToTheSmallestNormal) {
  // 2^-126 - 2^-150 needs 24 bits below 2^-126: as a float it rounds to 2^-126, in hardware it is tiny and becomes 0.
  constexpr float kSmallest = std::numeric_limits<float>::min();
  EXPECT_EQ(std::fma(0x1p-75f, -0x1p-75f, kSmallest), kSmallest);
  EXPECT_EQ(FlushingFma(0x1p-75f, -0x1p-75f, kSmallest), 0.0f);
  EXPECT_EQ(FlushingFma(0x1p-75f, 0x1p-75f, kSmallest), kSmallest);
  EXPECT_EQ(FlushingFma(0x1p-75f, -0x1p-77f, kSmallest), kSmallest);
}

TEST(Bf16PairStep, AddsTheOddElementFirst) {
  // (2^24 + 1) - 2^24 would lose the 1; odd first, it is (1 - 2^24) + 2^24.
  const uint16_t one = F32ToBf16(1.0f);
  const uint16_t large = F32ToBf16(0x1p24f);
  const uint16_t minus_large = F32ToBf16(-0x1p24f);
  EXPECT_EQ(Bf16PairStep({large, minus_large}, {one, one}, 1.0f), 1.0f);
  EXPECT_EQ(Bf16PairStep({minus_large, large}, {one, one}, 1.0f), 0.0f);
}

TEST(Bf16Dot, PairsAnOddLastElementWithZero) {
  const uint16_t values[] = {F32ToBf16(2.0f), F32ToBf16(3.0f), F32ToBf16(4.0f)};
  EXPECT_EQ(Bf16Dot(values, values, 3), 29.0f);
}

}  // namespace
}  // namespace engine
