#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "core/base/bf16.h"
#include "core/base/bf16_dot.h"
#include "core/base/math.h"
#include "tests/unit/cpu/vector_ops.h"

namespace engine::cpu {
namespace {

constexpr uint32_t kSeed = 20261124;
using Floats = std::array<float, 16>;

VectorOps OpsOf(Isa isa) {
  if (isa == Isa::kAvx512) return avx512::TestedOps();
  return isa == Isa::kAvx2 ? avx2::TestedOps() : portable::TestedOps();
}

// Every instruction set of this machine; the reference is plain scalar code.
class Vector : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (GetParam() > MachineIsa()) GTEST_SKIP() << "this machine lacks " << Name(GetParam());
    RecordProperty("seed", kSeed);
  }
  const VectorOps ops_ = OpsOf(GetParam());
  std::mt19937 random_{kSeed};

  // Any bit pattern: NaNs, infinities and denormals are common.
  Floats AnyFloats() {
    Floats out;
    for (float& x : out) x = std::bit_cast<float>(static_cast<uint32_t>(random_()));
    return out;
  }
  Floats FloatsWithin(float limit) {
    Floats out;
    for (float& x : out) x = std::uniform_real_distribution<float>(-limit, limit)(random_);
    return out;
  }
};

// Bits, but any NaN equals any other: which payload survives is not promised.
void ExpectSame(float got, float want) {
  if (std::isnan(want)) {
    EXPECT_TRUE(std::isnan(got)) << got;
  } else {
    EXPECT_EQ(std::bit_cast<uint32_t>(got), std::bit_cast<uint32_t>(want)) << got << " instead of " << want;
  }
}

TEST_P(Vector, ComputesTheScalarTranscendentals) {
  for (int i = 0; i < 2000; ++i) {
    const Floats x = i % 2 == 0 ? AnyFloats() : FloatsWithin(110.0f);
    Floats exp, sigmoid, tanh;
    ops_.exp(x.data(), exp.data());
    ops_.sigmoid(x.data(), sigmoid.data());
    ops_.tanh(x.data(), tanh.data());
    for (int lane = 0; lane < 16; ++lane) {
      SCOPED_TRACE(x[lane]);
      ExpectSame(exp[lane], Exp(x[lane]));
      ExpectSame(sigmoid[lane], Sigmoid(x[lane]));
      ExpectSame(tanh[lane], Tanh(x[lane]));
    }
  }
}

TEST_P(Vector, RoundsArithmeticAsScalarsDo) {
  for (int i = 0; i < 2000; ++i) {
    const Floats a = AnyFloats(), b = i % 2 == 0 ? AnyFloats() : FloatsWithin(4.0f), c = AnyFloats();
    std::array<float, 160> out;
    ops_.arithmetic(a.data(), b.data(), c.data(), out.data());
    for (int lane = 0; lane < 16; ++lane) {
      const float x = a[lane], y = b[lane];
      const float want[] = {x + y,     x - y,     x * y,  x / y,    Fma(x, y, c[lane]),
                            Min(x, y), Max(x, y), Abs(x), Round(x), CopySign(Abs(x), y)};
      for (int op = 0; op < 10; ++op) {
        SCOPED_TRACE(op);
        ExpectSame(out[op * 16 + lane], want[op]);
      }
    }
  }
}

TEST_P(Vector, ConvertsIntegersHalfToEven) {
  Floats x = FloatsWithin(1e6f);
  for (int i = 0; i < 8; ++i) x[i] = static_cast<float>(i) - 3.5f;
  std::array<int32_t, 96> out;
  ops_.integers(x.data(), out.data());
  for (int lane = 0; lane < 16; ++lane) {
    const auto integer = static_cast<uint32_t>(static_cast<int32_t>(std::nearbyint(x[lane])));
    const uint32_t bits = std::bit_cast<uint32_t>(x[lane]);
    const uint32_t want[] = {integer,        integer + bits,
                             integer * bits, bits << 5,
                             bits >> 5,      std::bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(bits)))};
    for (int op = 0; op < 6; ++op) EXPECT_EQ(static_cast<uint32_t>(out[op * 16 + lane]), want[op]) << op;
  }
}

TEST_P(Vector, SelectsByOrderedComparison) {
  Floats a = AnyFloats(), b = FloatsWithin(1.0f), out;
  a[3] = std::numeric_limits<float>::quiet_NaN();
  ops_.select_less(a.data(), b.data(), out.data());
  for (int lane = 0; lane < 16; ++lane) ExpectSame(out[lane], a[lane] < b[lane] ? a[lane] : b[lane] + 1.0f);
}

TEST_P(Vector, TouchesOnlyTheFirstLanesWhenCounted) {
  for (int count = 0; count <= 16; ++count) {
    const std::vector<float> in(count, 2.0f);  // the sanitizer sees a lane too many
    Floats out;
    out.fill(-1.0f);
    ops_.load_store_count(in.data(), count, out.data());
    for (int lane = 0; lane < 16; ++lane) EXPECT_EQ(out[lane], lane < count ? 2.0f : -1.0f);
  }
}

TEST_P(Vector, ReducesInTheTreeOfRuleTwo) {
  for (int i = 0; i < 100; ++i) {
    Floats x = FloatsWithin(1e3f);
    const float got = ops_.tree_sum(x.data());
    for (int half = 8; half > 0; half /= 2) {
      for (int lane = 0; lane < half; ++lane) x[lane] += x[lane + half];
    }
    ExpectSame(got, x[0]);
  }
  const std::array<int32_t, 16> integers = {5, -7, 9, 1, 0, 3, -100, 8, 2, 2, 2, 2, 40, -1, 6, 4};
  EXPECT_EQ(ops_.reduce(integers.data()), 40 - 24);
}

TEST_P(Vector, ConvertsSixteenBitFloatsOfEveryPattern) {
  for (uint32_t first = 0; first < 0x10000; first += 16) {
    std::array<uint16_t, 16> half, bf16;
    Floats widened, any;
    for (uint32_t lane = 0; lane < 16; ++lane) {
      half[lane] = static_cast<uint16_t>(first + lane);
      any[lane] = std::bit_cast<float>(static_cast<uint32_t>((first + lane) << 16 | (random_() & 0xffffu)));
    }
    ops_.widen_f16(half.data(), widened.data());
    ops_.round_bf16(any.data(), bf16.data());
    for (int lane = 0; lane < 16; ++lane) {
      ExpectSame(widened[lane], F16ToF32(half[lane]));
      ExpectSame(Bf16ToF32(bf16[lane]), Bf16ToF32(F32ToBf16(any[lane])));
    }
  }
}

TEST_P(Vector, MovesBitFieldsAndNarrowsIntegers) {
  std::array<uint8_t, 64> in, out;
  for (uint8_t& byte : in) byte = static_cast<uint8_t>(random_());
  ops_.move_bits(in.data(), out.data());
  for (int i = 0; i < 64; ++i) EXPECT_EQ(out[i], in[i] >> 4 | (in[i] >> 2 & 1) << 4);

  std::array<int32_t, 16> wide;
  std::array<int8_t, 16> narrow;
  for (int i = 0; i < 16; ++i) wide[i] = i * 17 - 128;
  ops_.narrow_i8(wide.data(), narrow.data());
  for (int i = 0; i < 16; ++i) EXPECT_EQ(narrow[i], wide[i]);
}

TEST_P(Vector, StoresHalvesWithTheirSums) {
  for (int i = 0; i < 1000; ++i) {
    std::array<int32_t, 32> in;
    for (int32_t& x : in) x = std::uniform_int_distribution<int32_t>(-127, 127)(random_);
    if (i < 2) in.fill(i == 0 ? 127 : -127);  // the largest sums
    std::array<int8_t, 32> out;
    std::array<int16_t, 2> sums;
    ops_.store_halves(in.data(), out.data(), sums.data());
    for (size_t lane = 0; lane < in.size(); ++lane) EXPECT_EQ(out[lane], in[lane]);
    EXPECT_EQ(sums[0], std::accumulate(in.begin(), in.begin() + 16, 0));
    EXPECT_EQ(sums[1], std::accumulate(in.begin() + 16, in.end(), 0));
  }
}

TEST_P(Vector, FindsTheMaximumOfEachWhereverItStands) {
  for (int at = 0; at < 64; ++at) {
    std::array<int32_t, 64> in;
    for (int32_t& x : in) x = std::uniform_int_distribution<int32_t>(INT32_MIN, 1 << 30)(random_);
    in[at] = INT32_MAX - at;
    std::array<int32_t, 4> out;
    ops_.reduce_each(in.data(), out.data());
    for (int v = 0; v < 4; ++v) EXPECT_EQ(out[v], *std::max_element(in.begin() + 16 * v, in.begin() + 16 * v + 16));
  }
}

TEST_P(Vector, LooksEveryIndexUpAtEveryPlace) {
  std::array<uint8_t, 16> table;
  for (uint8_t& entry : table) entry = static_cast<uint8_t>(random_());
  for (int shift = 0; shift < 16; ++shift) {
    std::array<uint8_t, 64> indices, out;
    for (int i = 0; i < 64; ++i) indices[i] = static_cast<uint8_t>((i + shift) % 16);
    ops_.look_up(table.data(), indices.data(), out.data());
    for (int i = 0; i < 64; ++i) EXPECT_EQ(out[i], table[indices[i]]) << i;
  }
}

TEST_P(Vector, MultipliesQuadsExactlyAtTheExtremes) {
  for (int i = 0; i < 200; ++i) {
    std::array<uint8_t, 64> weights;
    std::array<int8_t, 4> quad;
    for (uint8_t& w : weights) w = i % 3 == 0 ? 255 : static_cast<uint8_t>(random_());
    for (int8_t& a : quad) a = static_cast<int8_t>(i % 3 == 0 ? -127 : static_cast<int>(random_() % 255) - 127);
    for (const bool large : {false, true}) {
      if (!large) {
        for (uint8_t& w : weights) w &= 127;
      }
      std::array<int32_t, 16> acc, want;
      for (int lane = 0; lane < 16; ++lane) {
        acc[lane] = want[lane] = lane * 1000 - 5000;
        for (int j = 0; j < 4; ++j) want[lane] += weights[4 * lane + j] * quad[j];
      }
      (large ? ops_.dot_large : ops_.dot_small)(weights.data(), quad.data(), acc.data());
      EXPECT_EQ(acc, want);
    }
  }
}

TEST_P(Vector, AddsUpTheQuadsOfAGroupExactlyAtTheExtremes) {
  constexpr int kMaxWeights[] = {15, 31, 63, 255};
  for (int i = 0; i < 400; ++i) {
    const int max = kMaxWeights[i % 4];
    const bool extreme = i % 8 < 4;
    std::array<uint8_t, 8 * 64> weights;
    std::array<int8_t, 32> values;
    for (uint8_t& w : weights)
      w = static_cast<uint8_t>(extreme ? max * (i / 8 % 2) : static_cast<int>(random_() % (max + 1)));
    for (int8_t& a : values)
      a = static_cast<int8_t>(extreme ? 127 - i / 16 % 2 * 254 : static_cast<int>(random_() % 255) - 127);
    std::array<int32_t, 16> acc, want;
    for (int lane = 0; lane < 16; ++lane) {
      acc[lane] = want[lane] = lane * 1000 - 5000;
      for (int k = 0; k < 32; ++k) want[lane] += weights[k / 4 * 64 + 4 * lane + k % 4] * values[k];
    }
    ops_.dot_group[i % 4](weights.data(), values.data(), acc.data());
    EXPECT_EQ(acc, want) << "weights up to " << max;
  }
}

TEST_P(Vector, DotsOfSignedLanesAreExactWithEitherSideUnsigned) {
  for (int i = 0; i < 1000; ++i) {
    std::array<int8_t, 64> lanes;
    std::array<uint8_t, 4> counts;
    std::array<int8_t, 4> quad;
    // Every fourth case has the largest of everything.
    const bool extreme = i % 4 == 0;
    for (int8_t& lane : lanes) lane = extreme ? int8_t{-127} : static_cast<int8_t>(random_() % 255 - 127);
    for (uint8_t& count : counts) count = extreme ? uint8_t{255} : static_cast<uint8_t>(random_());
    for (int8_t& value : quad) value = extreme ? int8_t{127} : static_cast<int8_t>(random_() % 255 - 127);
    std::array<int32_t, 16> biased{}, want_biased{}, signed_dot{}, want_signed{};
    for (int j = 0; j < 64; ++j) {
      want_biased[j / 4] += (lanes[j] + 128) * quad[j % 4];
      want_signed[j / 4] += lanes[j] * counts[j % 4];
    }
    ops_.dot_biased(lanes.data(), quad.data(), biased.data());
    ops_.dot_signed(lanes.data(), counts.data(), signed_dot.data());
    EXPECT_EQ(biased, want_biased);
    EXPECT_EQ(signed_dot, want_signed);
  }
}

TEST_P(Vector, RunsTheBf16PairChainWithDenormalsAsZero) {
  for (int i = 0; i < 20000; ++i) {
    std::array<uint16_t, 32> a, b;
    Floats acc = i % 2 == 0 ? AnyFloats() : FloatsWithin(1.0f);
    for (int j = 0; j < 32; ++j) {
      a[j] = static_cast<uint16_t>(random_());
      b[j] = static_cast<uint16_t>(random_());
    }
    acc[0] = std::numeric_limits<float>::min();  // minus 2^-150: zero in hardware
    a[0] = F32ToBf16(0x1p-75f);
    b[0] = F32ToBf16(-0x1p-75f);
    a[1] = b[1] = 0;
    Floats want;
    for (int lane = 0; lane < 16; ++lane) {
      want[lane] = Bf16PairStep({a[2 * lane], a[2 * lane + 1]}, {b[2 * lane], b[2 * lane + 1]}, acc[lane]);
    }
    ops_.dot_bf16(a.data(), b.data(), acc.data());
    for (int lane = 0; lane < 16; ++lane) ExpectSame(acc[lane], want[lane]);
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, Vector, testing::Values(Isa::kPortable, Isa::kAvx2, Isa::kAvx512),
                         [](const auto& info) { return std::string(Name(info.param)); });

}  // namespace
}  // namespace engine::cpu
