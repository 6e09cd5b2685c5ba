// Device code: a few rows of int8 activations times a panel of a block format (docs/numerics.md, rule 4).
//
//   y[t, j] = sum over chunks of 2048: sum over groups g, ascending: fma(inner(t, j, g), s_a(t, g), acc)
//
// What a group adds depends on no other group, so the eight slots of a block take groups in turn and leave `inner` in
// shared memory; one thread per output then adds them up in order. Many tokens are tile_product.h's.
#pragma once

#include "backends/gpu/panel_task.h"
#include "backends/gpu/weight_group.h"
#include "core/base/math.h"
#include "core/tensor/q8_row.h"

namespace engine::gpu {

// inner of rule 4.
template <DType kType>
GPU_FN float GroupProduct(const WeightGroup<kType>& w, const ActivationGroup& x) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  constexpr int kQuads = 8 / kRecord.segments;
  float inner = 0.0f;
#pragma unroll
  for (int s = 0; s < kRecord.segments; ++s) {
    int dot = 0;
#pragma unroll
    for (int q = s * kQuads; q < (s + 1) * kQuads; ++q) {
      dot = Dot4(w.quads[q], x.quads[q], dot);
    }
    const int sum = kRecord.segments == 1 ? x.sum[0] + x.sum[1] : x.sum[s];
    if constexpr (kRecord.zero_point != 0 || kRecord.has_zero_points) dot -= w.zero_point * sum;
    inner = Fma(static_cast<float>(dot), w.scale[s], inner);
    if constexpr (kRecord.has_offset) inner = Fma(static_cast<float>(sum), w.offset, inner);
  }
  return inner;
}

GPU_FN int SumOf(uint32_t sums, int segment) { return static_cast<int16_t>(sums >> (16 * segment)); }

// Rows of DType::kQ8Group (core/tensor/q8_row.h).
struct Activations {
  const std::byte* rows;
  int k;

  GPU_FN const std::byte* Row(int token) const { return rows + token * Q8RowBytes(k); }
  GPU_FN float Scale(int token, int group) const {
    return reinterpret_cast<const float*>(Row(token) + Q8ScalesOffset(k))[group];
  }
  // Of both segments, 16 bits each.
  GPU_FN uint32_t Sums(int token, int group) const {
    return LoadVec<4>(Row(token) + Q8SumsOffset(k) + group * 4).words[0];
  }
  GPU_FN ActivationGroup Group(int token, int group) const {
    ActivationGroup out;
    for (int half = 0; half < 2; ++half) {
      const Vec<16> values = LoadVec<16>(Row(token) + group * kPanelGroup + half * 16);
      for (int i = 0; i < 4; ++i) out.quads[half * 4 + i] = values.words[i];
    }
    const uint32_t sums = Sums(token, group);
    for (int s = 0; s < 2; ++s) out.sum[s] = SumOf(sums, s);
    return out;
  }
};

// Groups of a row whose weights are on their way at a time, where one token leaves nothing to do meanwhile: 16 KiB for a
// block, about what a multiprocessor's share of 3 TB/s needs over the 0.7 us that memory takes to answer. Of formats with
// more to a group half as many: their registers would leave room for fewer blocks.
template <DType kType>
inline constexpr int kGroupsAhead =
    RecordOf(kType).low_words + RecordOf(kType).high_words + RecordOf(kType).level_bytes > 4 ? 2 : 4;

// One group's part of every token's sum.
template <DType kType, int kTokens>
GPU_FN void StoreInner(const PackedGroup<kType>& packed, const Activations& x, int first, int tokens, int group,
                       float (&inner)[kTokens][kPanelRows]) {
  const WeightGroup<kType> w = Unpack(packed);
#pragma unroll
  for (int t = 0; t < kTokens; ++t) {
    if (t < tokens) inner[t][Tid() % kPanelRows] = GroupProduct(w, x.Group(first + t, group));
  }
}

// A block: one panel, kTokens tokens.
template <DType kType, int kTokens>
GPU_FN void FewTokensProduct(const LinearArgs& args) {
  GPU_SHARED(GroupSums<kTokens>, shared);
  constexpr int kPass = kPassGroups<kTokens>;
  constexpr int kOutputs = (kTokens + kSlots - 1) / kSlots;
  constexpr int kAhead = kTokens == 1 ? kGroupsAhead<kType> : 1;
  static_assert(kChunkGroups % kPass == 0);
  const PanelTask task(args, Bid());
  const BlockPanel panel{task.weight.panels + task.panel * args.panel_bytes, args.block_shift};
  const Activations x{args.x, args.k};
  const int first = BidY() * kTokens;
  const int tokens = args.rows - first < kTokens ? args.rows - first : kTokens;
  const int slot = Tid() / kPanelRows;
  const int groups = args.k / kPanelGroup;
  ChunkSum sums[kOutputs];  // of tokens slot, slot + kSlots, …
  for (int begin = 0; begin < groups; begin += kPass) {
    const int end = begin + kPass < groups ? begin + kPass : groups;
    auto& inner = shared.inner[begin / kPass % 2];
    for (int g = begin + slot; g < end; g += kSlots * kAhead) {
      PackedGroup<kType> packed[kAhead];
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (g + i * kSlots < end) packed[i] = LoadPacked<kType>(panel, g + i * kSlots, task.row);
      }
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (g + i * kSlots >= end) continue;
        StoreInner(packed[i], x, first, tokens, g + i * kSlots, inner[g + i * kSlots - begin]);
      }
    }
    SyncBlock();  // the other half of `inner` is free: everyone has passed the pass that read it
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) {
      const int t = slot + i * kSlots;
      if (t >= tokens) continue;
      for (int g = begin; g < end; ++g)
        sums[i].acc = Fma(inner[g - begin][t][task.row], x.Scale(first + t, g), sums[i].acc);
      if (end == groups || end % kChunkGroups == 0) sums[i].EndChunk();
    }
  }
#pragma unroll
  for (int i = 0; i < kOutputs; ++i) {
    const int t = slot + i * kSlots;
    if (t < tokens) task.Store(args, first + t, sums[i].total);
  }
}

}  // namespace engine::gpu
