// The integers of 32 values in a row as words of four bytes, the same for every block format: what packed layouts store.
// A quad is four values that follow each other; value j of it is in byte j of a word.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "core/base/dtype.h"
#include "core/weights/quant_blocks.h"

namespace engine {

template <typename Word>
Word LoadWord(const void* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

// low: 8-bit formats: word q is quad q. 4-bit: byte j of word t holds value j of quad t (low half) and of quad t + 4.
// high: 5-bit formats: bit q of byte j belongs to value j of quad q. 6-bit: bits 2 t and 2 t + 1 of byte j of plane p
// belong to value j of quad 4 p + t. What a format does not have is left as it is.
struct GroupWords {
  std::array<uint32_t, 8> low;
  std::array<uint32_t, 2> high;
};

// Formats whose group is a block have its low bits as records do: value i beside value i + 16.
inline void CopyHalves(const uint8_t* qs, GroupWords& out) { std::memcpy(out.low.data(), qs, 16); }

// The _K formats have value i of two groups in a byte. `shift` is 0 or 4.
inline void PairHalves(const uint8_t* qs, int shift, GroupWords& out) {
  constexpr uint64_t kHalves = 0x0f0f0f0f0f0f0f0f;
  for (int i = 0; i < 2; ++i) {
    const uint64_t first = LoadWord<uint64_t>(qs + 8 * i) >> shift & kHalves;
    const uint64_t second = LoadWord<uint64_t>(qs + 16 + 8 * i) >> shift & kHalves;
    const uint64_t both = first | second << 4;
    std::memcpy(&out.low[2 * i], &both, sizeof(both));
  }
}

// Bit i of a word is the fifth bit of value i; a plane has those of quad q in bit q of four bytes. The product puts a
// copy of the quad's four bits 7 places apart, so that each bit lands at the bottom of its byte.
inline uint32_t FifthBits(const uint8_t* qh) {
  const auto bits = LoadWord<uint32_t>(qh);
  uint32_t plane = 0;
  for (int q = 0; q < 8; ++q) plane |= ((bits >> 4 * q & 15) * 0x00204081 & 0x01010101) << q;
  return plane;
}

// Block: the block of a format. Words(block, group, out): group `group` of it.
template <DType kType>
struct GroupFormat;

template <>
struct GroupFormat<DType::kQ4_0> {
  using Block = BlockQ4_0;
  static void Words(const Block& block, int, GroupWords& out) { CopyHalves(block.qs.data(), out); }
};

template <>
struct GroupFormat<DType::kQ4_1> {
  using Block = BlockQ4_1;
  static void Words(const Block& block, int, GroupWords& out) { CopyHalves(block.qs.data(), out); }
};

template <>
struct GroupFormat<DType::kQ5_0> {
  using Block = BlockQ5_0;
  static void Words(const Block& block, int, GroupWords& out) {
    CopyHalves(block.qs.data(), out);
    out.high[0] = FifthBits(block.qh.data());
  }
};

template <>
struct GroupFormat<DType::kQ5_1> {
  using Block = BlockQ5_1;
  static void Words(const Block& block, int, GroupWords& out) {
    CopyHalves(block.qs.data(), out);
    out.high[0] = FifthBits(block.qh.data());
  }
};

inline void CopyBytes(const int8_t* qs, GroupWords& out) { std::memcpy(out.low.data(), qs, 32); }

template <>
struct GroupFormat<DType::kQ8_0> {
  using Block = BlockQ8_0;
  static void Words(const Block& block, int, GroupWords& out) { CopyBytes(block.qs.data(), out); }
};

template <>
struct GroupFormat<DType::kW8> {
  using Block = BlockW8;
  static void Words(const Block& block, int, GroupWords& out) { CopyBytes(block.qs.data(), out); }
};

template <>
struct GroupFormat<DType::kQ4_K> {
  using Block = BlockQ4_K;
  static void Words(const Block& block, int group, GroupWords& out) {
    PairHalves(&block.qs[group / 2 * 32], group % 2 * 4, out);
  }
};

template <>
struct GroupFormat<DType::kQ5_K> {
  using Block = BlockQ5_K;
  static void Words(const Block& block, int group, GroupWords& out) {
    PairHalves(&block.qs[group / 2 * 32], group % 2 * 4, out);
    out.high[0] = 0;
    for (int q = 0; q < 8; ++q) out.high[0] |= (LoadWord<uint32_t>(&block.qh[4 * q]) >> group & 0x01010101) << q;
  }
};

template <>
struct GroupFormat<DType::kQ6_K> {
  using Block = BlockQ6_K;
  static void Words(const Block& block, int group, GroupWords& out) {
    const int half = group / 4, quarter = group % 4;
    PairHalves(&block.ql[64 * half + quarter % 2 * 32], quarter / 2 * 4, out);
    for (int plane = 0; plane < 2; ++plane) {
      out.high[plane] = 0;
      for (int t = 0; t < 4; ++t) {
        const auto bits = LoadWord<uint32_t>(&block.qh[32 * half + 16 * plane + 4 * t]);
        out.high[plane] |= (bits >> 2 * quarter & 0x03030303) << 2 * t;
      }
    }
  }
};

template <>
struct GroupFormat<DType::kIQ4_NL> {
  using Block = BlockIQ4_NL;
  static void Words(const Block& block, int, GroupWords& out) { CopyHalves(block.qs.data(), out); }
};

template <>
struct GroupFormat<DType::kIQ4_XS> {
  using Block = BlockIQ4_XS;
  static void Words(const Block& block, int group, GroupWords& out) { CopyHalves(block.qs[group].data(), out); }
};

template <int kValues>
struct W4GroupFormat {
  using Block = BlockW4<kValues>;
  static void Words(const Block& block, int group, GroupWords& out) { CopyHalves(block.qs[group].data(), out); }
};

template <>
struct GroupFormat<DType::kW4G32> : W4GroupFormat<32> {};
template <>
struct GroupFormat<DType::kW4G64> : W4GroupFormat<64> {};
template <>
struct GroupFormat<DType::kW4G128> : W4GroupFormat<128> {};
template <>
struct GroupFormat<DType::kW4G32Bf16> : W4GroupFormat<32> {};
template <>
struct GroupFormat<DType::kW4G64Bf16> : W4GroupFormat<64> {};
template <>
struct GroupFormat<DType::kW4G128Bf16> : W4GroupFormat<128> {};

// fn.operator()<dtype>() for a block format; false, without a call, for any other.
template <typename Fn>
bool WithGroupFormat(DType dtype, Fn&& fn) {
  const auto try_one = [&]<DType kType>() {
    if (dtype != kType) return false;
    fn.template operator()<kType>();
    return true;
  };
  const auto try_all = [&]<DType... kTypes>() { return (try_one.template operator()<kTypes>() || ...); };
  return try_all
      .template operator()<DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0, DType::kW8,
                           DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS, DType::kW4G32,
                           DType::kW4G64, DType::kW4G128, DType::kW4G32Bf16, DType::kW4G64Bf16, DType::kW4G128Bf16>();
}

}  // namespace engine
