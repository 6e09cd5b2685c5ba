// What the block formats mean. A row is a run of blocks, a block is one or more groups, and a value of a group is
//
//   w = scale * (q - zero_point) + offset          one rounding for the product, one for the sum
//
//   format  group  q             zero_point  scale             offset
//   q4_0    32     0 … 15        8           d                 none
//   q5_0    32     0 … 31        16          d                 none
//   q8_0    32     -128 … 127    0           d                 none
//   w8      32     -128 … 127    0           1                 none: the row's scale stands elsewhere, for products alone
//   q4_1    32     0 … 15        0           d                 m
//   q5_1    32     0 … 31        0           d                 m
//   q4_k    32     0 … 15        0           d * scale_level   -(dmin * offset_level)
//   q5_k    32     0 … 31        0           d * scale_level   -(dmin * offset_level)
//   q6_k    16     0 … 63        32          d * scale_level   none
//   iq4_nl  32     of kIq4Grid   0           d                 none
//   iq4_xs  32     of kIq4Grid   0           d * scale_level   none
//   w4_gN   32     0 … 15        the block's d                 none: blocks of N values, a d and a zero point each
//
// d, m and dmin are f16 numbers of the block widened to f32, d a bf16 number in w4_gN_bf16; the levels are integers of
// the group; the products that form scale and offset are f32 products.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/dtype.h"

namespace engine {

// One group: its integers, the numbers that scale them, and the raw fields, which are all that a packed layout must
// keep to be lossless.
struct QuantGroup {
  std::array<int8_t, 32> q;  // the first GroupValues(dtype) are set
  int zero_point;
  float scale;
  float offset;          // 0 for formats without one
  uint16_t d_bits;       // f16 or bf16
  uint16_t offset_bits;  // f16: m or dmin; 0 for formats without an offset
  int scale_level;       // 0 … 63 in q4_k and q5_k, -128 … 127 in q6_k, -32 … 31 in iq4_xs; 1 elsewhere
  int offset_level;      // 0 … 63 in q4_k and q5_k; elsewhere 1 with an offset, 0 without
};

// Values of one group: 16 in q6_k, 32 in the other block formats, of which a block of w4_gN may have several alike.
int GroupValues(DType dtype);

// Whether values of this block format have an offset.
bool HasOffset(DType dtype);

// Group `group` of a row, counted from the row's start. dtype must be a block format.
void UnpackGroup(DType dtype, const std::byte* row, int64_t group, QuantGroup& out);

// The values of a row of f32, f16, bf16 or a block format. row.size() must be RowBytes(dtype, out.size()).
void DequantizeRow(DType dtype, std::span<const std::byte> row, std::span<float> out);

// The inverse: plain round to nearest, without weighting or search. A scale beyond f16 becomes its largest number; a
// block's values must be finite to mean anything, but nothing breaks if they are not.
void QuantizeRow(DType dtype, std::span<const float> values, std::span<std::byte> row);

}  // namespace engine
