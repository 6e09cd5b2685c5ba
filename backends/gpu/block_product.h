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

// Activations of one group.
struct ActivationGroup {
  Vec<16> halves[2];
  uint32_t sums;  // of both segments, 16 bits each
};

GPU_FN int SumOf(uint32_t sums, int segment) { return static_cast<int16_t>(sums >> (16 * segment)); }

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
      dot = Dot4(w.quads[q], x.halves[q / 4].words[q % 4], dot);
    }
    const int sum = kRecord.segments == 1 ? SumOf(x.sums, 0) + SumOf(x.sums, 1) : SumOf(x.sums, s);
    if constexpr (kRecord.zero_point != 0 || kRecord.has_zero_points) dot -= w.zero_point * sum;
    inner = Fma(static_cast<float>(dot), w.scale[s], inner);
    if constexpr (kRecord.has_offset) inner = Fma(static_cast<float>(sum), w.offset, inner);
  }
  return inner;
}

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
    const std::byte* const values = Row(token) + group * kPanelGroup;
    return {{LoadVec<16>(values), LoadVec<16>(values + 16)}, Sums(token, group)};
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
GPU_FN void StoreInner(const PackedGroup<kType>& packed, const Activations& x, int tokens, int group,
                       float (&inner)[kTokens][kPanelRows]) {
  const WeightGroup<kType> w = Unpack(packed);
#pragma unroll
  for (int t = 0; t < kTokens; ++t) {
    if (t < tokens) inner[t][Tid() % kPanelRows] = GroupProduct(w, x.Group(t, group));
  }
}

// Tokens of a slot: slot, slot + kSlots, …
template <int kTokens>
inline constexpr int kSlotOutputs = (kTokens + kSlots - 1) / kSlots;

// The sums of one panel. `pass` counts those of all panels of the block, whose `inner` lie in two halves in turn.
template <DType kType, int kTokens>
GPU_FN void PanelProduct(const LinearArgs& args, const PanelTask& task, GroupSums<kTokens>& shared, int& pass,
                         ChunkSum (&sums)[kSlotOutputs<kTokens>]) {
  constexpr int kPass = kPassGroups<kTokens>;
  constexpr int kAhead = kTokens == 1 ? kGroupsAhead<kType> : 1;
  static_assert(kChunkGroups % kPass == 0);
  const BlockPanel panel{task.weight.panels + task.panel * args.panel_bytes, args.block_shift};
  const Activations x{args.x, args.k};
  const int slot = Tid() / kPanelRows;
  const int groups = args.k / kPanelGroup;
  for (int begin = 0; begin < groups; begin += kPass) {
    const int end = begin + kPass < groups ? begin + kPass : groups;
    auto& inner = shared.inner[pass++ % 2];
    for (int g = begin + slot; g < end; g += kSlots * kAhead) {
      PackedGroup<kType> packed[kAhead];
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (g + i * kSlots < end) packed[i] = LoadPacked<kType>(panel, g + i * kSlots, task.row);
      }
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (g + i * kSlots >= end) continue;
        StoreInner(packed[i], x, args.rows, g + i * kSlots, inner[g + i * kSlots - begin]);
      }
    }
    SyncBlock();  // the other half of `inner` is free: everyone has passed the pass that read it
#pragma unroll
    for (int i = 0; i < kSlotOutputs<kTokens>; ++i) {
      const int t = slot + i * kSlots;
      if (t >= args.rows) continue;
      for (int g = begin; g < end; ++g) sums[i].acc = Fma(inner[g - begin][t][task.row], x.Scale(t, g), sums[i].acc);
      if (end == groups || end % kChunkGroups == 0) sums[i].EndChunk();
    }
  }
}

// A block: one panel of the weight, or of each of two, and all tokens, at most kTokens.
template <DType kType, int kTokens>
GPU_FN void FewTokensProduct(const LinearArgs& args) {
  GPU_SHARED(GroupSums<kTokens>, shared);
  float gates[kSlotOutputs<kTokens>], products[kSlotOutputs<kTokens>] = {};
  int pass = 0;
#pragma unroll 1
  for (int which = 0; which < args.num_weights; ++which) {
    const PanelTask task(args, which, Bid());
    ChunkSum sums[kSlotOutputs<kTokens>];
    PanelProduct<kType, kTokens>(args, task, shared, pass, sums);
#pragma unroll
    for (int i = 0; i < kSlotOutputs<kTokens>; ++i) {
      gates[i] = products[i];
      products[i] = task.Finished(args, task.row, sums[i].total);
    }
  }
  const PanelTask task(args, 0, Bid());
#pragma unroll
  for (int i = 0; i < kSlotOutputs<kTokens>; ++i) {
    const int t = Tid() / kPanelRows + i * kSlots;
    if (args.num_weights == 2) {
      StoreGated(args, task.panel, t, t < args.rows, gates[i], products[i]);
    } else if (t < args.rows) {
      task.Store(args, t, task.row, products[i]);
    }
  }
}

}  // namespace engine::gpu
