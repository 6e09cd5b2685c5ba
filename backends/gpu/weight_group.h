// Device code: groups of 32 values read out of a weight in panels (weight_panel.h).
#pragma once

#include "backends/gpu/port/port.h"
#include "backends/gpu/weight_panel.h"
#include "core/base/bf16.h"
#include "core/weights/quant_bits.h"

namespace engine::gpu {

// A group of one row as numerics rule 4 takes it. Four int8 to a word: values 4 i to 4 i + 3 in quads[i].
template <DType kType>
struct WeightGroup {
  static constexpr PanelRecord kRecord = RecordOf(kType);
  uint32_t quads[8];
  float scale[kRecord.segments];
  float offset;    // where the format has one
  int zero_point;  // of quads
};

// A panel of a block format. Its kernels for kW4G32 serve all of w4_gN, whose blocks have 1 << block_shift groups.
struct BlockPanel {
  const std::byte* data;
  int block_shift;
};

// The same panel from the record on that has `group`, which becomes the group within it.
template <DType kType>
GPU_FN const std::byte* RecordAt(const BlockPanel& panel, int& group) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  if constexpr (kRecord.has_zero_points) {
    constexpr int kGroupBytes = kRecord.bytes - kRecord.low_at;
    const int block = group >> panel.block_shift;
    group -= block << panel.block_shift;
    return panel.data + int64_t{block} * (kRecord.low_at + (kGroupBytes << panel.block_shift));
  } else {
    const int block = group / kRecord.groups();
    group %= kRecord.groups();
    return panel.data + int64_t{block} * kRecord.bytes;
  }
}

constexpr ByteTable TableOfGrid() {
  ByteTable table{};
  for (int i = 0; i < 16; ++i) table.words[i / 4] |= uint32_t{static_cast<uint8_t>(kIq4Grid[i])} << (i % 4 * 8);
  return table;
}

// Integers with their bias (PanelRecord::zero_point), from the words of GroupWords.
template <DType kType>
GPU_FN void UnpackQuads(const uint32_t* low, const uint32_t* high, uint32_t* quads) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  constexpr ByteTable kGrid = TableOfGrid();
#pragma unroll
  for (int q = 0; q < 8; ++q) {
    if constexpr (kRecord.low_words == 8) {
      quads[q] = low[q];
      continue;
    }
    if constexpr (kRecord.has_grid) {
      const Quads values = LookUp(kGrid, low[q % 4]);
      quads[q] = q < 4 ? values.low : values.high;
      continue;
    }
    quads[q] = low[q % 4] >> (q / 4 * 4) & 0x0f0f0f0f;
    if constexpr (kRecord.high_words == 1) quads[q] |= (high[0] >> q & 0x01010101) << 4;
    if constexpr (kRecord.high_words == 2) quads[q] |= (high[q / 4] >> (q % 4 * 2) & 0x03030303) << 4;
  }
}

// What LoadGroup reads of a group, as it lies in the panel: kernels ask for several before they take the first apart.
template <DType kType>
struct PackedGroup {
  static constexpr PanelRecord kRecord = RecordOf(kType);
  uint32_t low[kRecord.low_words];
  uint32_t high[kRecord.high_words > 0 ? kRecord.high_words : 1];
  uint32_t scales;  // two f16, or a BlockScale
  uint16_t levels;  // one or two bytes
};

template <DType kType>
GPU_FN int GroupsOfRecord(int block_shift) {
  return RecordOf(kType).has_zero_points ? 1 << block_shift : RecordOf(kType).groups();
}

// Bytes of the records that so many groups fill.
template <DType kType>
GPU_FN int BytesOfGroups(int groups, int block_shift) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  if constexpr (!kRecord.has_zero_points) return groups / kRecord.groups() * kRecord.bytes;
  constexpr int kGroupBytes = kRecord.bytes - kRecord.low_at;
  return (groups >> block_shift) * (kRecord.low_at + (kGroupBytes << block_shift));
}

// Group g of a record, of row `row` of the panel.
template <DType kType>
GPU_FN PackedGroup<kType> LoadPacked(const std::byte* record, int g, int row) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  PackedGroup<kType> out;
#pragma unroll
  for (int unit = 0; unit < kRecord.low_words / 4; ++unit) {
    const int at = (g * (kRecord.low_words / 4) + unit) * kPanelRows + row;
    const Vec<16> words = LoadOnce16(record + kRecord.low_at + at * kPanelUnit);
    for (int i = 0; i < 4; ++i) out.low[unit * 4 + i] = words.words[i];
  }
  if constexpr (kRecord.high_words > 0) {
    constexpr int kBytes = kRecord.high_words * 4;
    const Vec<kBytes> words = LoadVec<kBytes>(record + kRecord.high_at + (g * kPanelRows + row) * kBytes);
    for (int i = 0; i < kRecord.high_words; ++i) out.high[i] = words.words[i];
  }
  const std::byte* const scales = record + row * kRecord.scale_bytes();
  if constexpr (kRecord.scale_bytes() == 2) out.scales = *reinterpret_cast<const uint16_t*>(scales);
  if constexpr (kRecord.scale_bytes() == 4) out.scales = *reinterpret_cast<const uint32_t*>(scales);
  const std::byte* const levels = record + kRecord.levels_at + (g * kPanelRows + row) * kRecord.level_bytes;
  if constexpr (kRecord.level_bytes == 1) out.levels = *reinterpret_cast<const uint8_t*>(levels);
  if constexpr (kRecord.level_bytes == 2) out.levels = *reinterpret_cast<const uint16_t*>(levels);
  return out;
}
template <DType kType>
GPU_FN PackedGroup<kType> LoadPacked(const BlockPanel& panel, int group, int row) {
  const std::byte* const record = RecordAt<kType>(panel, group);
  return LoadPacked<kType>(record, group, row);
}

template <DType kType>
GPU_FN WeightGroup<kType> Unpack(const PackedGroup<kType>& packed) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  WeightGroup<kType> out;
  UnpackQuads<kType>(packed.low, packed.high, out.quads);
  out.zero_point = kRecord.zero_point;
  if constexpr (kRecord.has_zero_points) {
    out.scale[0] = BlockScale::Scale(packed.scales);
    out.zero_point = BlockScale::ZeroPoint(packed.scales);
    return out;
  }
  const float d = kRecord.has_scale ? WidenF16(static_cast<uint16_t>(packed.scales)) : 1.0f;
  const float m = kRecord.has_offset ? WidenF16(static_cast<uint16_t>(packed.scales >> 16)) : 0.0f;
  out.scale[0] = d;
  out.offset = m;
  if constexpr (kRecord.level_bytes > 0) {
    for (int s = 0; s < kRecord.segments; ++s) {
      out.scale[s] = d * static_cast<float>(static_cast<int8_t>(packed.levels >> (8 * s)));
    }
    if constexpr (kRecord.has_offset) out.offset = -(m * static_cast<float>(static_cast<int8_t>(packed.levels >> 8)));
  }
  return out;
}

template <DType kType>
GPU_FN WeightGroup<kType> LoadGroup(const BlockPanel& panel, int group, int row) {
  return Unpack(LoadPacked<kType>(panel, group, row));
}

}  // namespace engine::gpu
