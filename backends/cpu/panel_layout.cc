#include "backends/cpu/panel_layout.h"

#include "backends/cpu/pack_panel.h"
#include "backends/cpu/panel_group.h"
#include "core/base/bf16.h"
#include "core/base/check.h"
#include "core/kernel/interleave_rows.h"
#include "core/weights/quant.h"

namespace engine::cpu {
namespace {

void Pack(const WeightRows& weight, int64_t begin, int64_t end, std::byte* out) {
  const int64_t panel_bytes = PanelBytes(weight.dtype, weight.k);
  switch (weight.dtype) {
    case DType::kBF16:  // in pairs
    case DType::kF32:
      return PackPanels<uint32_t, kPanelRows>(weight, begin, end, panel_bytes, out);
    case DType::kF16:
      return PackPanels<uint16_t, kPanelRows>(weight, begin, end, panel_bytes, out);
    default:
      return PackBlockPanels(weight, begin, end, out);
  }
}

bool Holds(DType dtype) {
  return IsBlockQuantised(dtype) || dtype == DType::kBF16 || dtype == DType::kF16 || dtype == DType::kF32;
}

// The formula of quant.h: the product is rounded, then the sum.
void DequantizeGroup(const PanelRecord& format, const PanelGroupRow& group, float* out) {
  const float d = format.is_bf16 ? Bf16ToF32(group.d_bits) : F16ToF32(group.d_bits);
  const float magnitude = F16ToF32(group.offset_bits) * static_cast<float>(group.offset_level);
  const float offset = format.has_levels ? -magnitude : magnitude;
  for (int i = 0; i < kPanelGroup; ++i) {
    const float scale = d * static_cast<float>(group.scale_levels[i / format.segment]);
    const float product = scale * static_cast<float>(group.stored[i] - group.zero_point);
    out[i] = format.has_offset ? product + offset : product;
  }
}

void UnpackBlockRow(DType dtype, const std::byte* panel, int row, std::span<float> out) {
  const PanelRecord format = RecordOf(dtype);
  const int groups = format.values / static_cast<int>(kPanelGroup);
  PanelGroupRow group;
  for (int64_t g = 0; g < static_cast<int64_t>(out.size()) / kPanelGroup; ++g) {
    ReadGroup(format, panel + g / groups * format.bytes, static_cast<int>(g % groups), row, group);
    DequantizeGroup(format, group, out.data() + g * kPanelGroup);
  }
}

bool Unpacks(DType dtype) { return Holds(dtype) && !IsBlockQuantised(dtype); }

void UnpackRow(DType dtype, int64_t k, const std::byte* packed, int64_t row, std::byte* out) {
  const std::byte* panel = packed + row / kPanelRows * PanelBytes(dtype, k);
  const auto unpack =
      dtype == DType::kF16 ? DeinterleaveRow<uint16_t, kPanelRows> : DeinterleaveRow<uint32_t, kPanelRows>;
  unpack(panel, row % kPanelRows, RowBytes(dtype, k), out);
}

template <typename Element, int64_t kStep, float (*kWiden)(Element)>
void UnpackPlainRow(const std::byte* panel, int64_t row, std::span<float> out) {
  const auto* elements = reinterpret_cast<const Element*>(panel);
  for (size_t i = 0; i < out.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    out[i] = kWiden(elements[(index / kStep * kPanelRows + row) * kStep + index % kStep]);
  }
}

float Same(float x) { return x; }

}  // namespace

int64_t PanelBytes(DType dtype, int64_t k) {
  if (!IsBlockQuantised(dtype)) return (k + 1) / 2 * 2 * kPanelRows * Info(dtype).block_bytes;
  const PanelRecord format = RecordOf(dtype);
  const int64_t groups = k % format.values / kPanelGroup;
  return k / format.values * format.bytes + (groups == 0 ? 0 : format.groups_at + groups * format.group_bytes);
}

const WeightLayout& PanelLayout() {
  static constexpr WeightLayout kLayout = {
      .id = kPanel16,
      .version = kPanel16Version,
      .holds = Holds,
      .bytes = [](DType dtype, int64_t n, int64_t k) { return NumPanels(n) * PanelBytes(dtype, k); },
      .row_step = kPanelRows,
      .pack = Pack,
      .unpacks = Unpacks,
      .unpack_row = UnpackRow,
  };
  return kLayout;
}

void UnpackPanelRow(DType dtype, const std::byte* packed, int64_t row, std::span<float> out) {
  const std::byte* panel = packed + row / kPanelRows * PanelBytes(dtype, static_cast<int64_t>(out.size()));
  const int64_t lane = row % kPanelRows;
  switch (dtype) {
    case DType::kBF16:
      return UnpackPlainRow<uint16_t, 2, Bf16ToF32>(panel, lane, out);
    case DType::kF16:
      return UnpackPlainRow<uint16_t, 1, F16ToF32>(panel, lane, out);
    case DType::kF32:
      return UnpackPlainRow<float, 1, Same>(panel, lane, out);
    default:
      return UnpackBlockRow(dtype, panel, static_cast<int>(lane), out);
  }
}

}  // namespace engine::cpu
