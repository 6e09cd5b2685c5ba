// Weights in panels of 32 output rows, the row in the lane: the one packed layout of GPUs, for warps of 32 and of 64. Every
// load of a lane is as wide as its row allows, and neighbouring lanes read neighbouring bytes. Rows beyond n are zeros.
// Everything below is relative to a panel, and panels follow each other.
//
// Block formats: a panel is a run of records of one block each, 32 to 256 values of k for 32 rows:
//   scales   [32 rows] f16 d, or f16 d and m (dmin) side by side; none in w8            (core/weights/quant.h: what they mean)
//            w4_gN: words of BlockScale
//   levels   [groups][32 rows] bytes; blocks of 256 only: of q4_k and q5_k scale level and offset level, of q6_k the levels
//            of both segments of a group, of iq4_xs the scale level
//   high     [groups][32 rows] words of GroupWords::high (core/weights/group_words.h), as many as the format has
//   low      [groups][words / 4][32 rows][4] words of GroupWords::low: 16 bytes of a row together
//
// Plain formats: [k / e][32 rows][e], e elements of 16 bytes together; k is padded with zeros.
#pragma once

#include <bit>
#include <cstdint>

#include "core/base/dtype.h"

namespace engine::gpu {

inline constexpr int kPanelRows = 32;
inline constexpr int kPanelGroup = 32;  // values of k that are unpacked together
inline constexpr int kPanelUnit = 16;   // bytes of one row that lie together, and that a lane loads at once

// What a block format consists of, and where its fields lie in a record. Offsets and sizes are bytes.
struct PanelRecord {
  int values;      // of k
  int low_words;   // per group and row: 4 or 8
  int high_words;  // 0, 1 or 2
  int segments;    // of a group, each with a scale: 1 or 2
  int zero_point;  // of the stored integers
  bool has_scale;
  bool has_zero_points;  // of blocks, beside their scales
  bool is_bf16;          // d in the checkpoint
  bool has_offset;
  bool has_grid;    // stored integers are indices into kIq4Grid
  int level_bytes;  // per group and row: 0, 1 or 2
  int levels_at;
  int high_at;
  int low_at;
  int bytes;

  constexpr int groups() const { return values / kPanelGroup; }
  constexpr int scale_bytes() const { return has_scale ? (has_offset || has_zero_points ? 4 : 2) : 0; }
};

// A scale that was f16 or bf16, and a zero point, in a word: the low 13 bits of such a scale are 0 in f32.
struct BlockScale {
  static constexpr uint32_t Word(float scale, uint8_t zero_point) {
    return std::bit_cast<uint32_t>(scale) | zero_point;
  }
  static constexpr float Scale(uint32_t word) { return std::bit_cast<float>(word & 0xffffff00u); }
  static constexpr int ZeroPoint(uint32_t word) { return static_cast<int>(word & 0xff); }
};

// The record of a block format; `values` is 0 for any other.
constexpr PanelRecord RecordOf(DType dtype) {
  PanelRecord record{};
  record.values = 32;
  record.low_words = 4;
  record.segments = 1;
  record.has_scale = true;
  record.is_bf16 = dtype == DType::kW4G32Bf16 || dtype == DType::kW4G64Bf16 || dtype == DType::kW4G128Bf16;
  switch (dtype) {
    case DType::kQ4_0:
      record.zero_point = 8;
      break;
    case DType::kQ4_1:
      record.has_offset = true;
      break;
    case DType::kQ5_0:
      record.high_words = 1;
      record.zero_point = 16;
      break;
    case DType::kQ5_1:
      record.high_words = 1;
      record.has_offset = true;
      break;
    case DType::kQ8_0:
      record.low_words = 8;
      break;
    case DType::kW8:
      record.low_words = 8;
      record.has_scale = false;
      break;
    case DType::kQ4_K:
      record.values = 256;
      record.level_bytes = 2;
      record.has_offset = true;
      break;
    case DType::kQ5_K:
      record.values = 256;
      record.high_words = 1;
      record.level_bytes = 2;
      record.has_offset = true;
      break;
    case DType::kQ6_K:
      record.values = 256;
      record.high_words = 2;
      record.segments = 2;
      record.level_bytes = 2;
      record.zero_point = 32;
      break;
    case DType::kIQ4_NL:
      record.has_grid = true;
      break;
    case DType::kIQ4_XS:
      record.values = 256;
      record.level_bytes = 1;
      record.has_grid = true;
      break;
    case DType::kW4G32:
    case DType::kW4G32Bf16:
      record.has_zero_points = true;
      break;
    case DType::kW4G64:
    case DType::kW4G64Bf16:
      record.values = 64;
      record.has_zero_points = true;
      break;
    case DType::kW4G128:
    case DType::kW4G128Bf16:
      record.values = 128;
      record.has_zero_points = true;
      break;
    default:
      return {};
  }
  record.levels_at = record.scale_bytes() * kPanelRows;
  record.high_at = record.levels_at + record.groups() * record.level_bytes * kPanelRows;
  record.low_at = record.high_at + record.groups() * record.high_words * 4 * kPanelRows;
  record.bytes = record.low_at + record.groups() * record.low_words * 4 * kPanelRows;
  return record;
}

// log2 of the groups of a block.
constexpr int BlockShift(DType dtype) { return std::countr_zero(static_cast<unsigned>(RecordOf(dtype).groups())); }

constexpr int64_t NumPanels(int64_t n) { return (n + kPanelRows - 1) / kPanelRows; }

}  // namespace engine::gpu
