#include "backends/cpu/pack_panel.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "backends/cpu/panel_layout.h"
#include "core/base/check.h"
#include "core/weights/quant_bits.h"
#include "core/weights/quant_blocks.h"

namespace engine::cpu {
namespace {

constexpr int kRows = static_cast<int>(kPanelRows);

template <typename Word>
Word Load(const void* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

// One row's share of a group of 32 values, four bytes at a time as a record has them: of the low bits, one word per quad
// (8 bits) or pair of quads (4 bits); of the high bits, one per plane.
struct GroupWords {
  std::array<uint32_t, 8> low;
  std::array<uint32_t, 2> high;
};

// Formats whose group is a block have its low bits as records do: value i beside value i + 16.
void CopyHalves(const uint8_t* qs, GroupWords& out) { std::memcpy(out.low.data(), qs, 16); }

// The _K formats have value i of two groups in a byte. `shift` is 0 or 4.
void PairHalves(const uint8_t* qs, int shift, GroupWords& out) {
  constexpr uint64_t kHalves = 0x0f0f0f0f0f0f0f0f;
  for (int i = 0; i < 2; ++i) {
    const uint64_t first = Load<uint64_t>(qs + 8 * i) >> shift & kHalves;
    const uint64_t second = Load<uint64_t>(qs + 16 + 8 * i) >> shift & kHalves;
    const uint64_t both = first | second << 4;
    std::memcpy(&out.low[2 * i], &both, sizeof(both));
  }
}

// Bit i of a word is the fifth bit of value i; a plane has those of quad q in bit q of four bytes. The product puts a
// copy of the quad's four bits 7 places apart, so that each bit lands at the bottom of its byte.
uint32_t FifthBits(const uint8_t* qh) {
  const auto bits = Load<uint32_t>(qh);
  uint32_t plane = 0;
  for (int q = 0; q < 8; ++q) plane |= ((bits >> 4 * q & 15) * 0x00204081 & 0x01010101) << q;
  return plane;
}

template <DType kType>
struct Format;

template <>
struct Format<DType::kQ4_0> {
  using Block = BlockQ4_0;
  static void Words(const Block& block, int, GroupWords& out) { CopyHalves(block.qs.data(), out); }
};

template <>
struct Format<DType::kQ4_1> {
  using Block = BlockQ4_1;
  static void Words(const Block& block, int, GroupWords& out) { CopyHalves(block.qs.data(), out); }
};

template <>
struct Format<DType::kQ5_0> {
  using Block = BlockQ5_0;
  static void Words(const Block& block, int, GroupWords& out) {
    CopyHalves(block.qs.data(), out);
    out.high[0] = FifthBits(block.qh.data());
  }
};

template <>
struct Format<DType::kQ5_1> {
  using Block = BlockQ5_1;
  static void Words(const Block& block, int, GroupWords& out) {
    CopyHalves(block.qs.data(), out);
    out.high[0] = FifthBits(block.qh.data());
  }
};

void CopyBytes(const int8_t* qs, GroupWords& out) {
  std::memcpy(out.low.data(), qs, 32);
  for (uint32_t& word : out.low) word ^= 0x80808080;  // plus 128
}

template <>
struct Format<DType::kQ8_0> {
  using Block = BlockQ8_0;
  static void Words(const Block& block, int, GroupWords& out) { CopyBytes(block.qs.data(), out); }
};

template <>
struct Format<DType::kW8> {
  using Block = BlockW8;
  static void Words(const Block& block, int, GroupWords& out) { CopyBytes(block.qs.data(), out); }
};

template <>
struct Format<DType::kQ4_K> {
  using Block = BlockQ4_K;
  static void Words(const Block& block, int group, GroupWords& out) {
    PairHalves(&block.qs[group / 2 * 32], group % 2 * 4, out);
  }
};

template <>
struct Format<DType::kQ5_K> {
  using Block = BlockQ5_K;
  static void Words(const Block& block, int group, GroupWords& out) {
    PairHalves(&block.qs[group / 2 * 32], group % 2 * 4, out);
    out.high[0] = 0;
    for (int q = 0; q < 8; ++q) out.high[0] |= (Load<uint32_t>(&block.qh[4 * q]) >> group & 0x01010101) << q;
  }
};

template <>
struct Format<DType::kQ6_K> {
  using Block = BlockQ6_K;
  static void Words(const Block& block, int group, GroupWords& out) {
    const int half = group / 4, quarter = group % 4;
    PairHalves(&block.ql[64 * half + quarter % 2 * 32], quarter / 2 * 4, out);
    for (int plane = 0; plane < 2; ++plane) {
      out.high[plane] = 0;
      for (int t = 0; t < 4; ++t) {
        const auto bits = Load<uint32_t>(&block.qh[32 * half + 16 * plane + 4 * t]);
        out.high[plane] |= (bits >> 2 * quarter & 0x03030303) << 2 * t;
      }
    }
  }
};

template <>
struct Format<DType::kIQ4_NL> {
  using Block = BlockIQ4_NL;
  static void Words(const Block& block, int, GroupWords& out) { CopyHalves(block.qs.data(), out); }
};

template <>
struct Format<DType::kIQ4_XS> {
  using Block = BlockIQ4_XS;
  static void Words(const Block& block, int group, GroupWords& out) { CopyHalves(block.qs[group].data(), out); }
};

// Numbers of a block that scale its values. `record` is where the row's share of them starts: row 0, plus the row.
template <typename Block>
void StoreScales(const PanelRecord& format, const Block& block, std::byte* record, int scale_index, int row) {
  if constexpr (requires { block.d; }) std::memcpy(record + 2 * (scale_index + row), block.d.bytes.data(), 2);
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
void StoreGroup(const typename Format<kType>::Block& block, int group_of_block, std::byte* group, int row) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  GroupWords words;
  Format<kType>::Words(block, group_of_block, words);
  std::byte* at = group + 4 * row;
  for (int w = 0; w < kRecord.low_bits; ++w) std::memcpy(at + 64 * w, &words.low[w], 4);
  at += 64 * kRecord.low_bits;
  for (int w = 0; w < kRecord.high_bits; ++w) std::memcpy(at + 64 * w, &words.high[w], 4);
}

// The groups of one row in one record; `groups` of its kGroups, as the last record may be short.
template <DType kType>
void StoreRow(const std::byte* source, int groups, std::byte* record, int row) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  using Block = typename Format<kType>::Block;
  const auto* blocks = reinterpret_cast<const Block*>(source);
  if constexpr (kRecord.has_levels) StoreScales(kRecord, blocks[0], record, 0, row);
  for (int g = 0; g < groups; ++g) {
    const Block& block = blocks[kRecord.has_levels ? 0 : g];
    if constexpr (!kRecord.has_levels) StoreScales(kRecord, block, record, g * kRows, row);
    StoreGroup<kType>(block, g, record + kRecord.groups_at + g * kRecord.group_bytes, row);
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
  switch (weight.dtype) {
    case DType::kQ4_0:
      return PackPanels<DType::kQ4_0>(weight, begin, end, out);
    case DType::kQ4_1:
      return PackPanels<DType::kQ4_1>(weight, begin, end, out);
    case DType::kQ5_0:
      return PackPanels<DType::kQ5_0>(weight, begin, end, out);
    case DType::kQ5_1:
      return PackPanels<DType::kQ5_1>(weight, begin, end, out);
    case DType::kQ8_0:
      return PackPanels<DType::kQ8_0>(weight, begin, end, out);
    case DType::kW8:
      return PackPanels<DType::kW8>(weight, begin, end, out);
    case DType::kQ4_K:
      return PackPanels<DType::kQ4_K>(weight, begin, end, out);
    case DType::kQ5_K:
      return PackPanels<DType::kQ5_K>(weight, begin, end, out);
    case DType::kQ6_K:
      return PackPanels<DType::kQ6_K>(weight, begin, end, out);
    case DType::kIQ4_NL:
      return PackPanels<DType::kIQ4_NL>(weight, begin, end, out);
    case DType::kIQ4_XS:
      return PackPanels<DType::kIQ4_XS>(weight, begin, end, out);
    default:
      ENGINE_CHECK(!"PackBlockPanels takes a block format");
  }
}

}  // namespace engine::cpu
