#include "backends/cpu/pack_panel.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "backends/cpu/panel_layout.h"
#include "core/base/check.h"
#include "core/weights/group_words.h"
#include "core/weights/quant_bits.h"
#include "core/weights/quant_blocks.h"

namespace engine::cpu {
namespace {

constexpr int kRows = static_cast<int>(kPanelRows);

// Numbers of a block that scale its values. `record` is where the row's share of them starts: row 0, plus the row.
template <typename Block>
void StoreScales(const PanelRecord& format, const Block& block, std::byte* record, int scale_index, int row) {
  if constexpr (requires { block.d; }) std::memcpy(record + 2 * (scale_index + row), block.d.bytes.data(), 2);
  if constexpr (requires { block.zero_point; }) {
    record[format.zero_points_at + scale_index + row] = std::byte(block.zero_point);
  }
  if constexpr (requires { block.m; }) {
    std::memcpy(record + format.offset_at + 2 * (scale_index + row), block.m.bytes.data(), 2);
  }
  if constexpr (requires { block.dmin; }) {
    std::memcpy(record + format.offset_at + 2 * (scale_index + row), block.dmin.bytes.data(), 2);
    for (int j = 0; j < 8; ++j) {
      record[format.scale_levels_at + j * kRows + row] = std::byte(PackedScales::Scale(block.scales, j));
      record[format.offset_levels_at + j * kRows + row] = std::byte(PackedScales::Offset(block.scales, j));
    }
  } else if constexpr (requires { block.scales; }) {
    for (int j = 0; j < 16; ++j) record[format.scale_levels_at + j * kRows + row] = std::byte(block.scales[j]);
  } else if constexpr (requires { block.scales_high; }) {
    for (int j = 0; j < 8; ++j) {
      const int level = Iq4Levels::Level(block.scales_high, block.scales_low, j);
      record[format.scale_levels_at + j * kRows + row] = static_cast<std::byte>(level);
    }
  }
}

template <DType kType>
void StoreGroup(const typename GroupFormat<kType>::Block& block, int group_of_block, std::byte* group, int row) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  GroupWords words;
  GroupFormat<kType>::Words(block, group_of_block, words);
  if constexpr (kRecord.low_bits == 8) {
    for (uint32_t& word : words.low) word ^= 0x80808080;  // plus 128
  }
  std::byte* at = group + 4 * row;
  for (int w = 0; w < kRecord.low_bits; ++w) std::memcpy(at + 64 * w, &words.low[w], 4);
  at += 64 * kRecord.low_bits;
  for (int w = 0; w < kRecord.high_bits; ++w) std::memcpy(at + 64 * w, &words.high[w], 4);
}

// The groups of one row in one record; `groups` of its kGroups, as the last record may be short.
template <DType kType>
void StoreRow(const std::byte* source, int groups, std::byte* record, int row) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  using Block = typename GroupFormat<kType>::Block;
  constexpr int kBlockGroups = kRecord.block / static_cast<int>(kPanelGroup);
  const auto* blocks = reinterpret_cast<const Block*>(source);
  for (int g = 0; g < groups; ++g) {
    const Block& block = blocks[g / kBlockGroups];
    if (g % kBlockGroups == 0) StoreScales(kRecord, block, record, g / kBlockGroups * kRows, row);
    StoreGroup<kType>(block, g % kBlockGroups, record + kRecord.groups_at + g * kRecord.group_bytes, row);
  }
}

// Sixteen rows are too many streams for the hardware to follow.
void Prefetch(const std::byte* bytes, int64_t size) {
  for (int64_t at = 0; at < size; at += 64) __builtin_prefetch(bytes + at);
}

// Record by record, so that the one being filled and what is read for it stay in the first cache.
template <DType kType>
void PackPanels(const WeightRows& weight, int64_t begin, int64_t end, std::byte* out) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  constexpr int64_t kGroups = kRecord.values / kPanelGroup;
  const int64_t panel_bytes = PanelBytes(kType, weight.k);
  const int64_t record_source_bytes = RowBytes(kType, kRecord.values);
  for (int64_t first = begin; first < end; first += kPanelRows) {
    const int rows = static_cast<int>(std::min(kPanelRows, end - first));
    std::byte* panel = out + first / kPanelRows * panel_bytes;
    std::memset(panel, 0, panel_bytes);
    for (int64_t group = 0; group < weight.k / kPanelGroup; group += kGroups) {
      const int64_t r = group / kGroups;
      const int groups = static_cast<int>(std::min(kGroups, weight.k / kPanelGroup - group));
      for (int row = 0; row < rows; ++row) {
        const int64_t at = r * record_source_bytes;
        if (first + kPanelRows + row < end) Prefetch(weight.rows[first + kPanelRows + row] + at, record_source_bytes);
        StoreRow<kType>(weight.rows[first + row] + at, groups, panel + r * kRecord.bytes, row);
      }
    }
  }
}

}  // namespace

void PackBlockPanels(const WeightRows& weight, int64_t begin, int64_t end, std::byte* out) {
  ENGINE_CHECK(WithGroupFormat(weight.dtype, [&]<DType kType>() { PackPanels<kType>(weight, begin, end, out); }));
}

}  // namespace engine::cpu
