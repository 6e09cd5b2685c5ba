// acc[t][row] over one panel and a tile of tokens: numerics rule 4.
// The eight quads of a group of 16 rows x 32 values are unpacked into registers once; the tokens stream past them, four
// at a time, so that as many chains of dot products hide each other's latency.
#include <algorithm>

#include "backends/cpu/isa/vector.h"
#include "backends/cpu/panel_layout.h"
#include "backends/cpu/panel_tile.h"
#include "ops/linear.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

constexpr int kQuads = 8;

// Loops over registers are unrolled where registers are vectors; plain arrays are left to the compiler.
constexpr int kUnroll = ENGINE_ISA_LEVEL > 0 ? kMaxTileTokens : 1;

// A group of 32 values for 16 rows, in registers.
template <PanelRecord kFormat>
struct GroupWeights {
  static constexpr int kSegments = 32 / kFormat.segment;
  U8x64 quads[kQuads];
  F32x16 scales[kSegments];
  F32x16 offset;
};

// The same group of every token of a tile: values [tokens][32], and one column of the chunk's lines of numbers.
struct GroupActivations {
  const int8_t* values;
  const std::byte* numbers;

  template <typename T>
  T Number(int lines_at, int line) const {
    return *reinterpret_cast<const T*>(numbers + lines_at + line * kTileGroups * 4);
  }
};

// What adds up the dot products of a format's quads. Signed ones have no zero point left to make up for.
template <PanelRecord kFormat>
using SumsOf = QuadSums<kFormat.max_weight()>;

template <PanelRecord kFormat, int kQuad>
U8x64 LoadQuad(const std::byte* low, const std::byte* high) {
  if constexpr (kFormat.low_bits == 8) return LoadBytes(low + kQuad * 64);
  const U8x64 nibbles = MoveBits<kQuad / 4 * 4, 0, 4>(LoadBytes(low + kQuad % 4 * 64));
  if constexpr (kFormat.has_grid) return LookUp(kPanelGrid.data(), nibbles);
  if constexpr (kFormat.high_bits == 1) return nibbles | MoveBits<kQuad, 4, 1>(LoadBytes(high));
  if constexpr (kFormat.high_bits == 2) {
    return nibbles | MoveBits<kQuad % 4 * 2, 4, 2>(LoadBytes(high + kQuad / 4 * 64));
  }
  return nibbles;
}

template <PanelRecord kFormat, int... kQuad>
void LoadQuads(const std::byte* group, std::integer_sequence<int, kQuad...>, U8x64* out) {
  ((out[kQuad] = LoadQuad<kFormat, kQuad>(group, group + kFormat.low_bits * 64)), ...);
  if constexpr (SumsOf<kFormat>::kSigned) {
    static_assert(kFormat.zero_point == 128);
    ((out[kQuad] = AddBias(out[kQuad])), ...);
  }
}

// What is added to stored integers whose blocks have zero points of their own: the constant zero point, minus theirs.
template <PanelRecord kFormat>
void MoveZeroPoints(const std::byte* record, int block, U8x64* quads) {
  const auto* zero_points = reinterpret_cast<const uint8_t*>(record + kFormat.zero_points_at + block * kPanelRows);
  alignas(64) static constexpr auto kConstant = [] {
    std::array<uint8_t, 64> bytes{};
    bytes.fill(kFormat.zero_point);
    return bytes;
  }();
  const U8x64 distance = LoadBytes(kConstant.data()) - FourOfEach(zero_points);
#pragma unroll kUnroll
  for (int q = 0; q < kQuads; ++q) quads[q] = quads[q] + distance;
}

template <PanelRecord kFormat>
void LoadScales(const std::byte* record, int group, GroupWeights<kFormat>& out) {
  constexpr int kRows = static_cast<int>(kPanelRows);
  if constexpr (!kFormat.has_scale) return;
  const int block = group * static_cast<int>(kPanelGroup) / kFormat.block;
  if constexpr (kFormat.has_zero_points) MoveZeroPoints<kFormat>(record, block, out.quads);
  const std::byte* d_at = record + block * kRows * 2;
  const auto* d_bits = reinterpret_cast<const uint16_t*>(d_at);
  const F32x16 d = kFormat.is_bf16 ? LoadBf16(d_bits) : LoadF16(d_bits);
  for (int s = 0; s < out.kSegments; ++s) {
    out.scales[s] = d;
    if constexpr (kFormat.has_levels) {
      // Signed in q6_k, where they are the whole of a byte, and in iq4_xs; below 64 elsewhere.
      const std::byte* levels = record + kFormat.scale_levels_at + (group * out.kSegments + s) * kRows;
      out.scales[s] = d * ToF32(LoadWide(reinterpret_cast<const int8_t*>(levels)));
    }
  }
  if constexpr (kFormat.has_offset) {
    out.offset = LoadF16(reinterpret_cast<const uint16_t*>(d_at + kFormat.offset_at));
    if constexpr (kFormat.has_levels) {
      const std::byte* levels = record + kFormat.offset_levels_at + group * kRows;
      out.offset = F32x16(-0.0f) - out.offset * ToF32(LoadWide(reinterpret_cast<const int8_t*>(levels)));
    }
  }
}

// The dot products of one segment with kTogether tokens, from `first` on: inner[i] = fma(dot - z * sum, scale, inner[i]).
template <PanelRecord kFormat, int kTokens, int kTogether>
[[gnu::always_inline]] inline void AddSegment(const GroupWeights<kFormat>& weights, const GroupActivations& activations,
                                              int segment, int first, F32x16 (&inner)[kTogether]) {
  constexpr TileShape kShape{kTokens, GroupWeights<kFormat>::kSegments, kFormat.has_offset};
  using Sums = SumsOf<kFormat>;
  constexpr int kSegmentQuads = kQuads / GroupWeights<kFormat>::kSegments;
  constexpr int kRun = std::min(kSegmentQuads, Sums::kMost);
  I32x16 dots[kTogether];
#pragma unroll kUnroll
  for (int i = 0; i < kTogether; ++i) {
    const int32_t start = activations.Number<int32_t>(kShape.starts_at(), segment * kTokens + first + i);
    dots[i] = I32x16(Sums::kSigned ? 0 : start);
  }
#pragma unroll kUnroll
  for (int run = segment * kSegmentQuads; run < (segment + 1) * kSegmentQuads; run += kRun) {
    Sums sums[kTogether];
#pragma unroll kUnroll
    for (int i = 0; i < kTogether; ++i) sums[i] = Sums(dots[i]);
#pragma unroll kUnroll
    for (int q = run; q < run + kRun; ++q) {
#pragma unroll kUnroll
      for (int i = 0; i < kTogether; ++i) {
        sums[i].Add(weights.quads[q], BroadcastQuad(activations.values + (first + i) * kPanelGroup + q * 4));
      }
    }
#pragma unroll kUnroll
    for (int i = 0; i < kTogether; ++i) dots[i] = sums[i].Total();
  }
#pragma unroll kUnroll
  for (int i = 0; i < kTogether; ++i) {
    inner[i] = kFormat.has_scale ? Fma(ToF32(dots[i]), weights.scales[segment], inner[i]) : ToF32(dots[i]);
  }
}

// One group of 32 values: acc[t] = fma(inner, scale of the token, acc[t]).
template <PanelRecord kFormat, int kTokens>
void AddGroup(const GroupWeights<kFormat>& weights, const GroupActivations& activations, F32x16 (&acc)[kTokens]) {
  constexpr TileShape kShape{kTokens, GroupWeights<kFormat>::kSegments, kFormat.has_offset};
  constexpr int kTogether = std::min(kTokens, 4);
  // 16 accumulators, eight quads and what two segments need exceed 32 registers. A loop that stays a loop keeps the
  // accumulators in L1, which costs less than what the compiler spills otherwise.
  constexpr int kBatchUnroll = GroupWeights<kFormat>::kSegments == 2 && kTokens == 16 ? 1 : kUnroll;
#pragma unroll kBatchUnroll
  for (int first = 0; first < kTokens; first += kTogether) {
    F32x16 inner[kTogether];
#pragma unroll kUnroll
    for (int i = 0; i < kTogether; ++i) inner[i] = F32x16(0.0f);
#pragma unroll kUnroll
    for (int s = 0; s < GroupWeights<kFormat>::kSegments; ++s) {
      AddSegment<kFormat, kTokens, kTogether>(weights, activations, s, first, inner);
    }
#pragma unroll kUnroll
    for (int i = 0; i < kTogether; ++i) {
      const int t = first + i;
      if constexpr (kFormat.has_offset) {
        inner[i] = Fma(F32x16(activations.Number<float>(kShape.sums_at(), t)), weights.offset, inner[i]);
      }
      acc[t] = Fma(inner[i], F32x16(activations.Number<float>(kShape.scales_at(), t)), acc[t]);
    }
  }
}

// From four tokens on, the work on a group hides the next groups from the hardware's prefetcher. With fewer, asking for
// them costs more than it brings. A page ahead is 300 ns of work or more. A record's scales stand before its first group:
// with 16 tokens no load of them comes early enough by itself.
constexpr int64_t kPrefetchBytes = 4096;

template <PanelRecord kFormat, int kTokens>
void PrefetchAhead(const std::byte* record, int group) {
  if constexpr (kTokens >= 4) {
    const int begin = group == 0 ? 0 : kFormat.groups_at + group * kFormat.group_bytes;
    const int end = kFormat.groups_at + (group + 1) * kFormat.group_bytes;
    for (int line = begin; line < end; line += 64) __builtin_prefetch(record + kPrefetchBytes + line);
  }
}

// The columns of a panel beyond the weight's rows are nobody's.
template <int kTokens>
void ScaleRows(const PanelTile& tile) {
  const F32x16 scales = Load(tile.row_scales.data(), static_cast<int>(tile.row_scales.size()));
  for (int t = 0; t < kTokens; ++t) {
    float* out = tile.out + t * tile.out_stride;
    Store(out, Load(out) * scales);
  }
}

template <PanelRecord kFormat, int kTokens>
void RunTile(const PanelTile& tile) {
  constexpr int64_t kGroups = kFormat.values / kPanelGroup;  // of a record
  constexpr TileShape kShape{kTokens, 32 / kFormat.segment, kFormat.has_offset};
  for (int64_t begin = 0; begin < tile.k; begin += kReductionChunk) {
    F32x16 acc[kTokens];
#pragma unroll kUnroll
    for (int t = 0; t < kTokens; ++t) acc[t] = F32x16(0.0f);
    const int64_t end = std::min(begin + kReductionChunk, tile.k);
    for (int64_t g = begin / kPanelGroup; g < end / kPanelGroup; ++g) {
      const std::byte* record = tile.panel + g / kGroups * kFormat.bytes;
      const int group = static_cast<int>(g % kGroups);
      const std::byte* quads = record + kFormat.groups_at + group * kFormat.group_bytes;
      PrefetchAhead<kFormat, kTokens>(record, group);
      GroupWeights<kFormat> weights;
      LoadQuads<kFormat>(quads, std::make_integer_sequence<int, kQuads>(), weights.quads);
      LoadScales<kFormat>(record, group, weights);
      const std::byte* chunk = tile.activations + g / kTileGroups * kShape.chunk_bytes();
      const int64_t column = g % kTileGroups;
      const auto* values = reinterpret_cast<const int8_t*>(chunk) + column * kTokens * kPanelGroup;
      AddGroup<kFormat, kTokens>(weights, {values, chunk + column * 4}, acc);
    }
#pragma unroll kUnroll
    for (int t = 0; t < kTokens; ++t) {
      float* out = tile.out + t * tile.out_stride;
      Store(out, begin == 0 ? acc[t] : Load(out) + acc[t]);
    }
  }
  if constexpr (!kFormat.has_scale) ScaleRows<kTokens>(tile);
}

// One group of 32 values: inner[t] += dot * weight scale. What a run of groups shares is applied at its end.
template <PanelRecord kFormat>
void AddToRun(const GroupWeights<kFormat>& weights, const GroupActivations& activations,
              F32x16 (&inner)[kMaxTileTokens]) {
  constexpr int kTogether = 4;
#pragma unroll kUnroll
  for (int first = 0; first < kMaxTileTokens; first += kTogether) {
    F32x16 sums[kTogether];
#pragma unroll kUnroll
    for (int i = 0; i < kTogether; ++i) sums[i] = inner[first + i];
    AddSegment<kFormat, kMaxTileTokens, kTogether>(weights, activations, /*segment=*/0, first, sums);
#pragma unroll kUnroll
    for (int i = 0; i < kTogether; ++i) {
      inner[first + i] = kFormat.has_scale ? sums[i] : inner[first + i] + sums[i];
    }
  }
}

// Groups [begin, end), a run, of k: out[t] += inner[t] * scale of the token.
template <PanelRecord kFormat>
void AddRun(const PanelTile& tile, int64_t begin, int64_t end) {
  constexpr int64_t kGroups = kFormat.values / kPanelGroup;
  constexpr TileShape kShape{kMaxTileTokens, GroupWeights<kFormat>::kSegments, kFormat.has_offset};
  const std::byte* chunk = tile.activations + begin / kTileGroups * kShape.chunk_bytes();
  F32x16 inner[kMaxTileTokens];
#pragma unroll kUnroll
  for (int t = 0; t < kMaxTileTokens; ++t) inner[t] = F32x16(0.0f);
  for (int64_t g = begin; g < end; ++g) {
    const std::byte* record = tile.panel + g / kGroups * kFormat.bytes;
    const int group = static_cast<int>(g % kGroups);
    const std::byte* quads = record + kFormat.groups_at + group * kFormat.group_bytes;
    PrefetchAhead<kFormat, kMaxTileTokens>(record, group);
    GroupWeights<kFormat> weights;
    LoadQuads<kFormat>(quads, std::make_integer_sequence<int, kQuads>(), weights.quads);
    LoadScales<kFormat>(record, group, weights);
    const int64_t column = g % kTileGroups;
    const auto* values = reinterpret_cast<const int8_t*>(chunk) + column * kMaxTileTokens * kPanelGroup;
    AddToRun<kFormat>(weights, {values, chunk + column * 4}, inner);
  }
  const GroupActivations numbers{nullptr, chunk + begin % kTileGroups * 4};
#pragma unroll kUnroll
  for (int t = 0; t < kMaxTileTokens; ++t) {
    float* out = tile.out + t * tile.out_stride;
    const F32x16 scale(numbers.Number<float>(kShape.scales_at(), t));
    Store(out, begin == 0 ? inner[t] * scale : Fma(inner[t], scale, Load(out)));
  }
}

// Sums live in `out`, which a run touches once: the registers hold those of the run.
template <PanelRecord kFormat>
void RunSharedTile(const PanelTile& tile) {
  const int64_t groups = tile.k / kPanelGroup;
  for (int64_t g = 0; g < groups; g += kRunGroups) AddRun<kFormat>(tile, g, std::min(g + kRunGroups, groups));
  if constexpr (!kFormat.has_scale) ScaleRows<kMaxTileTokens>(tile);
}

template <DType kWeight>
constexpr PanelTileCode CodeOf() {
  constexpr PanelRecord kFormat = RecordOf(kWeight);
  PanelTileCode code = {
      {RunTile<kFormat, 1>, RunTile<kFormat, 2>, RunTile<kFormat, 4>, RunTile<kFormat, 8>, RunTile<kFormat, 16>}};
  if constexpr (!kFormat.has_offset && kFormat.segment == kPanelGroup) code.run_shared = RunSharedTile<kFormat>;
  return code;
}

}  // namespace

PanelTileCode BlockTileCodeOf(DType weight) {
  switch (weight) {
    case DType::kQ4_0:
      return CodeOf<DType::kQ4_0>();
    case DType::kQ4_1:
      return CodeOf<DType::kQ4_1>();
    case DType::kQ4_K:
      return CodeOf<DType::kQ4_K>();
    case DType::kQ5_0:
      return CodeOf<DType::kQ5_0>();
    case DType::kQ5_1:
      return CodeOf<DType::kQ5_1>();
    case DType::kQ5_K:
      return CodeOf<DType::kQ5_K>();
    case DType::kQ6_K:
      return CodeOf<DType::kQ6_K>();
    case DType::kQ8_0:
      return CodeOf<DType::kQ8_0>();
    case DType::kIQ4_NL:
      return CodeOf<DType::kIQ4_NL>();
    case DType::kIQ4_XS:
      return CodeOf<DType::kIQ4_XS>();
    case DType::kW4G32:
      return CodeOf<DType::kW4G32>();
    case DType::kW4G64:
      return CodeOf<DType::kW4G64>();
    case DType::kW4G128:
      return CodeOf<DType::kW4G128>();
    case DType::kW4G32Bf16:
      return CodeOf<DType::kW4G32Bf16>();
    case DType::kW4G64Bf16:
      return CodeOf<DType::kW4G64Bf16>();
    case DType::kW4G128Bf16:
      return CodeOf<DType::kW4G128Bf16>();
    case DType::kW8:
      return CodeOf<DType::kW8>();
    default:
      return {};
  }
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
