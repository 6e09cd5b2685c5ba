// Bit positions inside blocks and what their bits stand for, shared by the unpacker, the quantiser and packed layouts.
#pragma once

#include <array>
#include <cstdint>

namespace engine {

// Eight pairs of 6-bit numbers in 12 bytes. Pairs 0-3: the low six bits of byte j (scale) and byte j + 4 (offset).
// Pairs 4-7: their low four bits are the halves of byte j + 4 (scale low, offset high); their high two bits are the top
// bits of byte j - 4 (scale) and byte j (offset).
struct PackedScales {
  static int Scale(const std::array<uint8_t, 12>& bytes, int j) {
    return j < 4 ? bytes[j] & 63 : (bytes[j + 4] & 15) | (bytes[j - 4] >> 6) << 4;
  }
  static int Offset(const std::array<uint8_t, 12>& bytes, int j) {
    return j < 4 ? bytes[j + 4] & 63 : bytes[j + 4] >> 4 | (bytes[j] >> 6) << 4;
  }
  // `bytes` starts at zero, and every pair is set once.
  static void Set(std::array<uint8_t, 12>& bytes, int j, int scale, int offset) {
    if (j < 4) {
      bytes[j] = static_cast<uint8_t>(bytes[j] | scale);
      bytes[j + 4] = static_cast<uint8_t>(bytes[j + 4] | offset);
      return;
    }
    bytes[j + 4] = static_cast<uint8_t>((scale & 15) | (offset & 15) << 4);
    bytes[j - 4] = static_cast<uint8_t>(bytes[j - 4] | (scale >> 4) << 6);
    bytes[j] = static_cast<uint8_t>(bytes[j] | (offset >> 4) << 6);
  }
};

// The values of the 4-bit integers in iq4_nl and iq4_xs: finer around 0, where most weights are.
inline constexpr std::array<int8_t, 16> kIq4Grid = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                    1,    13,   25,  38,  53,  69,  89,  113};

// The eight scale levels of an iq4_xs block, 6 bits each, 32 above their value: four bits in two to a byte of `low`, two
// in four to a byte of `high`.
struct Iq4Levels {
  static int Level(const std::array<uint8_t, 2>& high, const std::array<uint8_t, 4>& low, int j) {
    return ((low[j / 2] >> j % 2 * 4 & 15) | (high[j / 4] >> j % 4 * 2 & 3) << 4) - 32;
  }
  // `high` and `low` start at zero, and every level is set once.
  static void Set(std::array<uint8_t, 2>& high, std::array<uint8_t, 4>& low, int j, int level) {
    const int stored = level + 32;
    low[j / 2] = static_cast<uint8_t>(low[j / 2] | (stored & 15) << j % 2 * 4);
    high[j / 4] = static_cast<uint8_t>(high[j / 4] | (stored >> 4) << j % 4 * 2);
  }
};

// Where the bits of a q6_k value lie; `value` counts from the block's start.
struct Q6KPlace {
  int low_byte, low_shift;    // four bits in ql
  int high_byte, high_shift;  // two bits in qh

  explicit constexpr Q6KPlace(int value)
      : low_byte(value / 128 * 64 + value % 64),
        low_shift(value % 128 / 64 * 4),
        high_byte(value / 128 * 32 + value % 32),
        high_shift(value % 128 / 32 * 2) {}
};

}  // namespace engine
