// Weights in panels of 16 output rows, the row in the lane: the one packed layout of the CPU, for every instruction set
// and any number of tokens. Rows beyond n are zeros. Everything below is relative to a panel, and panels follow each
// other.
//
// Block formats: a panel is a run of records, each starting at a multiple of 64 bytes and holding 64 values of k (256 for
// formats with blocks of 256, four blocks of w4_gN) for 16 rows:
//   d               f16 or bf16 [blocks][16]; none in w8  (quant.h: what fields mean)
//   zero points     w4_gN: bytes [blocks][16]
//   offset          the same for m or dmin
//   scale levels    [groups of 16 or 32][16], then the offset levels: bytes; blocks of 256 only
//   per group of 32 values, eight quads of four values each:
//     low bits      4-bit formats: byte 64 t + 4 row + j holds value j of quad t (low half) and of quad t + 4 (high half)
//                   (indices into kPanelGrid in the IQ4 formats)
//                   8-bit: byte 64 q + 4 row + j holds value j of quad q, plus 128
//     high bits     5-bit formats: bit q of byte 4 row + j belongs to value j of quad q
//                   6-bit: two planes of 64 bytes; plane p, byte 4 row + j, bits 2 t and 2 t + 1: quad 4 p + t
// The last record of a panel ends with the groups that k has: what stands before them has room for those it lacks.
//
// Plain formats: bf16 in pairs [k / 2][16 rows][2]; f32 and f16 as [k][16 rows]. An odd k is padded with 0.
#pragma once

#include <algorithm>

#include "core/kernel/weight_layout.h"
#include "core/weights/quant_bits.h"

namespace engine::cpu {

inline constexpr int64_t kPanelRows = 16;
inline constexpr int64_t kPanelGroup = 32;  // values of k that are unpacked together
inline constexpr LayoutId kPanel16{"panel16"};
// Raise it with every change of the bytes: packed files of another version are refused.
inline constexpr int kPanel16Version = 2;

// Where the fields of a record lie. Offsets and sizes are bytes.
struct PanelRecord {
  int values;      // of k
  int low_bits;    // 4 or 8
  int high_bits;   // 0, 1 or 2
  int segment;     // values that share a scale: 32 or 16
  int block;       // values that share a d
  int zero_point;  // of the integers that are multiplied
  bool has_scale;
  bool is_bf16;          // d
  bool has_zero_points;  // of blocks: stored integers are multiplied after adding zero_point minus theirs
  bool has_offset;
  bool has_levels;
  bool has_grid;  // stored integer = kPanelGrid[low bits]
  int zero_points_at;
  int offset_at;
  int scale_levels_at;
  int offset_levels_at;
  int groups_at;
  int group_bytes;
  int bytes;

  constexpr int max_weight() const {
    if (has_grid) return 255;
    // 15 and a zero point of 0, which becomes one of 16.
    return has_zero_points ? 31 : (1 << (low_bits + high_bits)) - 1;
  }
};

// kIq4Grid plus 128, as unsigned weights have it.
inline constexpr std::array<uint8_t, 16> kPanelGrid = [] {
  std::array<uint8_t, 16> grid{};
  for (int i = 0; i < 16; ++i) grid[i] = static_cast<uint8_t>(kIq4Grid[i] + 128);
  return grid;
}();

// The record of a block format; `values` is 0 for any other.
constexpr PanelRecord RecordOf(DType dtype) {
  PanelRecord record{};
  const bool is_q6 = dtype == DType::kQ6_K;
  record.is_bf16 = dtype == DType::kW4G32Bf16 || dtype == DType::kW4G64Bf16 || dtype == DType::kW4G128Bf16;
  record.has_zero_points = IsW4(dtype);
  record.has_scale = dtype != DType::kW8;
  record.has_grid = dtype == DType::kIQ4_NL || dtype == DType::kIQ4_XS;
  record.has_levels = dtype == DType::kQ4_K || dtype == DType::kQ5_K || is_q6 || dtype == DType::kIQ4_XS;
  record.has_offset = dtype == DType::kQ4_1 || dtype == DType::kQ5_1 || dtype == DType::kQ4_K || dtype == DType::kQ5_K;
  switch (dtype) {
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ4_K:
    case DType::kIQ4_NL:
    case DType::kIQ4_XS:
    case DType::kW4G32:
    case DType::kW4G64:
    case DType::kW4G128:
    case DType::kW4G32Bf16:
    case DType::kW4G64Bf16:
    case DType::kW4G128Bf16:
      record.low_bits = 4;
      break;
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kQ5_K:
      record.low_bits = 4;
      record.high_bits = 1;
      break;
    case DType::kQ6_K:
      record.low_bits = 4;
      record.high_bits = 2;
      break;
    case DType::kQ8_0:
    case DType::kW8:
      record.low_bits = 8;
      break;
    default:
      return {};
  }
  // Formats without an offset are symmetric around half their range.
  record.zero_point = record.has_offset ? 0 : (record.max_weight() + 1) / 2;
  record.segment = is_q6 ? 16 : 32;
  const bool is_64 = dtype == DType::kW4G64 || dtype == DType::kW4G64Bf16;
  const bool is_128 = dtype == DType::kW4G128 || dtype == DType::kW4G128Bf16;
  record.block = record.has_levels ? 256 : is_128 ? 128 : is_64 ? 64 : 32;
  // Zero points of four blocks fill a line.
  record.values = record.has_zero_points ? 4 * record.block : std::max(record.block, 64);
  const int rows = static_cast<int>(kPanelRows);
  const int blocks = record.values / record.block;
  const int scale_bytes = record.has_scale ? blocks * rows * 2 : 0;
  const int level_bytes = record.has_levels ? record.values / record.segment * rows : 0;
  record.zero_points_at = scale_bytes;
  record.offset_at = record.zero_points_at + (record.has_zero_points ? blocks * rows : 0);
  record.scale_levels_at = record.offset_at + (record.has_offset ? scale_bytes : 0);
  record.offset_levels_at = record.scale_levels_at + level_bytes;
  const int header_bytes = record.offset_levels_at + (record.has_offset ? level_bytes : 0);
  record.groups_at = (header_bytes + 63) / 64 * 64;
  record.group_bytes = (record.low_bits + record.high_bits) * rows * 32 / 8;
  record.bytes = record.groups_at + record.values / 32 * record.group_bytes;
  return record;
}

// Bytes of one panel of a weight with rows of k values.
int64_t PanelBytes(DType dtype, int64_t k);

inline int64_t NumPanels(int64_t n) { return (n + kPanelRows - 1) / kPanelRows; }

// Holds every weight dtype.
const WeightLayout& PanelLayout();

// Row `row` of a packed weight as f32, the bits that DequantizeRow (core/weights/quant.h) gives: for embedding tables
// that share their bytes with the output head.
void UnpackPanelRow(DType dtype, const std::byte* packed, int64_t row, std::span<float> out);

}  // namespace engine::cpu
