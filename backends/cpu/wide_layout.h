// bf16 and f32 weights in panels of 64 output rows, the row in the lane: what oneDNN calls BA16a64b2a (bf16) and BA16a64b
// (f32) of a weight [k, n], so that its products and ours read the same bytes. A panel is
//   bf16   pairs [k / 2][64 rows][2], k padded with zeros to a multiple of 32
//   f32    [k][64 rows], k padded with zeros to a multiple of 16
// and panels follow each other. Rows beyond n are zeros.
#pragma once

#include "core/kernel/weight_layout.h"

namespace engine::cpu {

inline constexpr int64_t kWidePanelRows = 64;
inline constexpr LayoutId kPanel64{"panel64"};
// Raise it with every change of the bytes: packed files of another version are refused.
inline constexpr int kPanel64Version = 1;

// Bytes of one panel of a weight with rows of k values.
int64_t WidePanelBytes(DType dtype, int64_t k);

inline int64_t NumWidePanels(int64_t n) { return (n + kWidePanelRows - 1) / kWidePanelRows; }

// Holds bf16 and f32.
const WeightLayout& WideLayout();

// Row `row` of a packed weight as f32: for embedding tables that share their bytes with the output head.
void UnpackWideRow(DType dtype, const std::byte* packed, int64_t row, std::span<float> out);

}  // namespace engine::cpu
