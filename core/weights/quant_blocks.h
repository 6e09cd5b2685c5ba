// The blocks of the quantised formats, byte for byte as checkpoints store them. Every field is made of bytes, so a
// block may lie at any address.
#pragma once

#include <array>
#include <cstdint>

namespace engine {

// An f16 as stored: little-endian, unaligned.
struct F16Field {
  std::array<uint8_t, 2> bytes;

  uint16_t bits() const { return static_cast<uint16_t>(bytes[0] | bytes[1] << 8); }
  void set_bits(uint16_t bits) { bytes = {static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8)}; }
};

// 32 values. In the four-bit planes `qs`, byte i holds value i in its low half and value i + 16 in its high half; bit i
// of `qh`, read as a little-endian word, is bit 4 of value i.
struct BlockQ4_0 {
  F16Field d;
  std::array<uint8_t, 16> qs;
};
struct BlockQ4_1 {
  F16Field d, m;
  std::array<uint8_t, 16> qs;
};
struct BlockQ5_0 {
  F16Field d;
  std::array<uint8_t, 4> qh;
  std::array<uint8_t, 16> qs;
};
struct BlockQ5_1 {
  F16Field d, m;
  std::array<uint8_t, 4> qh;
  std::array<uint8_t, 16> qs;
};
// A run of a row without a scale.
struct BlockW8 {
  std::array<int8_t, 32> qs;
};
struct BlockQ8_0 {
  F16Field d;
  std::array<int8_t, 32> qs;
};

// 256 values in eight groups of 32. Groups 2p and 2p + 1 share the bytes 32p … 32p + 31 of `qs`: the even group in the
// low halves, the odd one in the high halves. Bit g of qh[i] is bit 4 of value i of group g. `scales` packs a 6-bit
// scale and a 6-bit minimum per group (PackedScales in quant_bits.h).
struct BlockQ4_K {
  F16Field d, dmin;
  std::array<uint8_t, 12> scales;
  std::array<uint8_t, 128> qs;
};
struct BlockQ5_K {
  F16Field d, dmin;
  std::array<uint8_t, 12> scales;
  std::array<uint8_t, 32> qh;
  std::array<uint8_t, 128> qs;
};

// 256 values in sixteen groups of 16, in two halves of 128. Value v of half h, with quarter = v / 32 and i = v % 32:
// its low four bits are in ql[64h + i + 32 (quarter % 2)], low half for quarters 0 and 1, high half for 2 and 3; its
// high two bits are bits 2 quarter and 2 quarter + 1 of qh[32h + i].
struct BlockQ6_K {
  std::array<uint8_t, 128> ql;
  std::array<uint8_t, 64> qh;
  std::array<int8_t, 16> scales;
  F16Field d;
};

// 4-bit indices into kIq4Grid (quant_bits.h), in planes like those of the formats of 32 values.
struct BlockIQ4_NL {
  F16Field d;
  std::array<uint8_t, 16> qs;
};
// 256 values in eight groups of 32; Iq4Levels (quant_bits.h) reads the levels.
struct BlockIQ4_XS {
  F16Field d;
  std::array<uint8_t, 2> scales_high;
  std::array<uint8_t, 4> scales_low;
  std::array<std::array<uint8_t, 16>, 8> qs;
};

// kValues values in groups of 32, each with planes like those of the formats of 32 values. The scale is an f16, or the bits
// of a bf16; the zero point is 0 … 16.
template <int kValues>
struct BlockW4 {
  F16Field d;
  uint8_t zero_point;
  std::array<std::array<uint8_t, 16>, kValues / 32> qs;
};

static_assert(sizeof(BlockQ4_0) == 18 && alignof(BlockQ4_0) == 1);
static_assert(sizeof(BlockQ4_1) == 20 && alignof(BlockQ4_1) == 1);
static_assert(sizeof(BlockQ5_0) == 22 && alignof(BlockQ5_0) == 1);
static_assert(sizeof(BlockQ5_1) == 24 && alignof(BlockQ5_1) == 1);
static_assert(sizeof(BlockQ8_0) == 34 && alignof(BlockQ8_0) == 1);
static_assert(sizeof(BlockQ4_K) == 144 && alignof(BlockQ4_K) == 1);
static_assert(sizeof(BlockQ5_K) == 176 && alignof(BlockQ5_K) == 1);
static_assert(sizeof(BlockQ6_K) == 210 && alignof(BlockQ6_K) == 1);
static_assert(sizeof(BlockIQ4_NL) == 18 && alignof(BlockIQ4_NL) == 1);
static_assert(sizeof(BlockW4<128>) == 67 && alignof(BlockW4<128>) == 1);
static_assert(sizeof(BlockIQ4_XS) == 136 && alignof(BlockIQ4_XS) == 1);

}  // namespace engine
