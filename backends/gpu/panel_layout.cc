#include "backends/gpu/panel_layout.h"

#include <algorithm>
#include <cstring>

#include "backends/gpu/weight_panel.h"
#include "core/base/bf16.h"
#include "core/base/check.h"
#include "core/base/round_up.h"
#include "core/kernel/interleave_rows.h"
#include "core/weights/group_words.h"
#include "core/weights/quant_bits.h"

namespace engine::gpu {
namespace {

using Unit = std::array<std::byte, kPanelUnit>;

// Numbers of a block that scale its values, into the share of `row`.
template <typename Block>
void StoreScales(const PanelRecord& format, const Block& block, std::byte* record, int row) {
  std::byte* const scales = record + row * format.scale_bytes();
  if constexpr (requires { block.zero_point; }) {
    const float d = format.is_bf16 ? Bf16ToF32(block.d.bits()) : F16ToF32(block.d.bits());
    const uint32_t word = BlockScale::Word(d, block.zero_point);
    std::memcpy(scales, &word, sizeof(word));
  } else if constexpr (requires { block.d; }) {
    std::memcpy(scales, block.d.bytes.data(), 2);
  }
  if constexpr (requires { block.m; }) std::memcpy(scales + 2, block.m.bytes.data(), 2);
  if constexpr (requires { block.dmin; }) std::memcpy(scales + 2, block.dmin.bytes.data(), 2);
  for (int g = 0; g < format.groups(); ++g) {
    std::byte* const levels = record + format.levels_at + (g * kPanelRows + row) * format.level_bytes;
    if constexpr (requires { block.dmin; }) {
      levels[0] = std::byte(PackedScales::Scale(block.scales, g));
      levels[1] = std::byte(PackedScales::Offset(block.scales, g));
    } else if constexpr (requires { block.scales; }) {
      std::memcpy(levels, &block.scales[2 * g], 2);
    } else if constexpr (requires { block.scales_high; }) {
      levels[0] = static_cast<std::byte>(Iq4Levels::Level(block.scales_high, block.scales_low, g));
    }
  }
}

template <DType kType>
void StoreBlock(const typename GroupFormat<kType>::Block& block, std::byte* record, int row) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  StoreScales(kRecord, block, record, row);
  for (int g = 0; g < kRecord.groups(); ++g) {
    GroupWords words;
    GroupFormat<kType>::Words(block, g, words);
    std::byte* const high = record + kRecord.high_at + (g * kPanelRows + row) * kRecord.high_words * 4;
    std::memcpy(high, words.high.data(), kRecord.high_words * 4);
    std::byte* const low = record + kRecord.low_at + g * kRecord.low_words * 4 * kPanelRows + row * kPanelUnit;
    for (int unit = 0; unit < kRecord.low_words / 4; ++unit) {
      std::memcpy(low + unit * kPanelUnit * kPanelRows, &words.low[4 * unit], kPanelUnit);
    }
  }
}

// Record by record, so that the one being filled stays in the first cache.
template <DType kType>
void PackBlocks(const WeightRows& weight, int64_t begin, int64_t end, std::byte* out) {
  using Block = typename GroupFormat<kType>::Block;
  constexpr PanelRecord kRecord = RecordOf(kType);
  const int64_t panel_bytes = PanelBytes(kType, weight.k);
  for (int64_t first = begin; first < end; first += kPanelRows) {
    const int rows = static_cast<int>(std::min<int64_t>(kPanelRows, end - first));
    std::byte* const panel = out + first / kPanelRows * panel_bytes;
    if (rows < kPanelRows) std::memset(panel, 0, panel_bytes);
    for (int64_t r = 0; r < weight.k / kRecord.values; ++r) {
      for (int row = 0; row < rows; ++row) {
        const auto* blocks = reinterpret_cast<const Block*>(weight.rows[first + row]);
        StoreBlock<kType>(blocks[r], panel + r * kRecord.bytes, row);
      }
    }
  }
}

bool IsPlain(DType dtype) { return dtype == DType::kBF16 || dtype == DType::kF16 || dtype == DType::kF32; }

void Pack(const WeightRows& weight, int64_t begin, int64_t end, std::byte* out) {
  if (IsPlain(weight.dtype)) {
    return PackPanels<Unit, kPanelRows>(weight, begin, end, PanelBytes(weight.dtype, weight.k), out);
  }
  ENGINE_CHECK(WithGroupFormat(weight.dtype, [&]<DType kType>() {
    if constexpr (RecordOf(kType).values > 0) PackBlocks<kType>(weight, begin, end, out);
  }));
}

void UnpackRow(DType dtype, int64_t k, const std::byte* packed, int64_t row, std::byte* out) {
  const std::byte* panel = packed + row / kPanelRows * PanelBytes(dtype, k);
  DeinterleaveRow<Unit, kPanelRows>(panel, row % kPanelRows, RowBytes(dtype, k), out);
}

}  // namespace

int64_t PanelBytes(DType dtype, int64_t k) {
  const PanelRecord record = RecordOf(dtype);
  if (!IsPlain(dtype)) return k / record.values * record.bytes;
  return RoundUp(k * Info(dtype).block_bytes, kPanelUnit) * kPanelRows;
}

const WeightLayout& PanelLayout() {
  static constexpr WeightLayout kLayout = {
      .id = kPanel32,
      .version = kPanel32Version,
      .holds = [](DType dtype) { return IsPlain(dtype) || RecordOf(dtype).values > 0; },
      .bytes = [](DType dtype, int64_t n, int64_t k) { return NumPanels(n) * PanelBytes(dtype, k); },
      .row_step = kPanelRows,
      .pack = Pack,
      .unpacks = IsPlain,
      .unpack_row = UnpackRow,
  };
  return kLayout;
}

}  // namespace engine::gpu
