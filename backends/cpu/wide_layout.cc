#include "backends/cpu/wide_layout.h"

#include "core/base/bf16.h"
#include "core/base/round_up.h"
#include "core/kernel/interleave_rows.h"

namespace engine::cpu {
namespace {

// Elements of a row that stay together: a pair of bf16 is one step of the chain (docs/numerics.md).
int64_t Together(DType dtype) { return dtype == DType::kBF16 ? 2 : 1; }

// k is padded to 16 steps, the inner block of oneDNN's layouts.
int64_t PaddedK(DType dtype, int64_t k) { return RoundUp(k, 16 * Together(dtype)); }

// Where element i of row `row` of a panel lies, in elements.
int64_t Place(int64_t together, int64_t row, int64_t i) {
  return (i / together * kWidePanelRows + row) * together + i % together;
}

// A pair of bf16 is as wide as an f32.
void Pack(const WeightRows& weight, int64_t begin, int64_t end, std::byte* out) {
  PackPanels<uint32_t, kWidePanelRows>(weight, begin, end, WidePanelBytes(weight.dtype, weight.k), out);
}

void UnpackRow(DType dtype, int64_t k, const std::byte* packed, int64_t row, std::byte* out) {
  const std::byte* panel = packed + row / kWidePanelRows * WidePanelBytes(dtype, k);
  DeinterleaveRow<uint32_t, kWidePanelRows>(panel, row % kWidePanelRows, RowBytes(dtype, k), out);
}

bool Holds(DType dtype) { return dtype == DType::kBF16 || dtype == DType::kF32; }

}  // namespace

int64_t WidePanelBytes(DType dtype, int64_t k) { return PaddedK(dtype, k) * kWidePanelRows * Info(dtype).block_bytes; }

const WeightLayout& WideLayout() {
  static constexpr WeightLayout kLayout = {
      .id = kPanel64,
      .version = kPanel64Version,
      .holds = Holds,
      .bytes = [](DType dtype, int64_t n, int64_t k) { return NumWidePanels(n) * WidePanelBytes(dtype, k); },
      .row_step = kWidePanelRows,
      .pack = Pack,
      .unpacks = Holds,
      .unpack_row = UnpackRow,
  };
  return kLayout;
}

void UnpackWideRow(DType dtype, const std::byte* packed, int64_t row, std::span<float> out) {
  const auto k = static_cast<int64_t>(out.size());
  const std::byte* panel = packed + row / kWidePanelRows * WidePanelBytes(dtype, k);
  const int64_t lane = row % kWidePanelRows;
  for (int64_t i = 0; i < k; ++i) {
    out[i] = dtype == DType::kBF16 ? Bf16ToF32(reinterpret_cast<const uint16_t*>(panel)[Place(2, lane, i)])
                                   : reinterpret_cast<const float*>(panel)[Place(1, lane, i)];
  }
}

}  // namespace engine::cpu
