// Device code: a few rows of int8 activations times a panel of a block format (docs/numerics.md, rule 4).
//
//   y[t, j] = sum over chunks of 2048: sum over groups g, ascending: fma(inner(t, j, g), s_a(t, g), acc)
//
// What a group adds depends on no other group, so the slots of a block take groups in turn and leave `inner` in shared
// memory; one thread per output then adds them up in order. Many tokens are tile_product.h's.
//
// A slot asks for the weights of a group when it has multiplied those of the one kAhead before: of this chunk, of the next, or
// of the next panel. So as many loads are on their way at any time, and they arrive while sums are added up.
#pragma once

#include <bit>

#include "backends/gpu/panel_task.h"
#include "backends/gpu/weight_group.h"
#include "core/base/math.h"
#include "core/tensor/q8_row.h"

namespace engine::gpu {

// Activations of one group.
struct ActivationGroup {
  Vec<16> halves[2];
  uint32_t sums;  // of both segments, 16 bits each; of a format without segments their sum
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
    const int sum = kRecord.segments == 1 ? static_cast<int>(x.sums) : SumOf(x.sums, s);
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
};

// 2048 values of k, or the last ones, of a panel of one of the weights.
struct PanelChunk {
  int panel, which;
  int begin;  // its first group; behind the last of a panel that does not exist

  GPU_FN static PanelChunk First(const LinearArgs& args, int panel) {
    return {panel, 0, panel * kPanelRows < args.n ? 0 : args.k / kPanelGroup};
  }
  GPU_FN PanelChunk Next(const LinearArgs& args, int step) const {
    if (begin + kChunkGroups < args.k / kPanelGroup) return {panel, which, begin + kChunkGroups};
    if (which + 1 < args.num_weights) return {panel, which + 1, 0};
    return First(args, panel + step);
  }
};

// What a thread brings of the activations of a pass: half of a group, the sums of a group, or its scale. A token that does not
// exist is the last that does once more.
template <DType kType, int kTokens>
struct PassSource {
  static constexpr int kGroups = kPassGroups<kTokens>;
  static constexpr int kPairs = kTokens * kGroups;  // of a group and a token
  static_assert(kPanelThreads >= 4 * kPairs);

  int from;  // bytes in x, of the first pass
  int word;

  GPU_FN void Start(const Activations& x, int first_token, int rows) {
    const int token = first_token + Pair() / kGroups;
    const auto words = static_cast<int>(BringsSums() ? Q8SumsOffset(x.k) : Q8ScalesOffset(x.k));
    from = (token < rows ? token : rows - 1) * static_cast<int>(Q8RowBytes(x.k));
    from += BringsValues() ? Group() * kPanelGroup + Tid() % 2 * 16 : words + Group() * 4;
  }

  GPU_FN static int Pair() { return BringsValues() ? Tid() / 2 : Tid() % kPairs; }
  GPU_FN static int Group() { return Pair() % kGroups; }
  GPU_FN static bool BringsValues() { return Tid() < 2 * kPairs; }
  GPU_FN static bool BringsSums() { return Tid() / kPairs == 2; }
  GPU_FN static bool BringsScales() { return Tid() / kPairs == 3; }

  GPU_FN void Begin(const std::byte* x, int begin, int groups, PassActivations<kTokens>& out) {
    if (begin + Group() < groups) {
      if (BringsValues()) {
        CpAsync16(&out.values[0][0][0][0] + Tid() * 4, x + from + begin * kPanelGroup);
      } else if (BringsSums() || BringsScales()) {
        word = static_cast<int>(LoadVec<4>(x + from + begin * 4).words[0]);
      }
    }
    CpAsyncCommit();
  }

  GPU_FN void End(PassActivations<kTokens>& out, float (&scales)[kTokens][kGroups]) const {
    const auto bits = static_cast<uint32_t>(word);
    if (BringsSums()) {
      (&out.sums[0][0])[Pair()] =
          RecordOf(kType).segments == 1 ? static_cast<uint32_t>(SumOf(bits, 0) + SumOf(bits, 1)) : bits;
    }
    if (BringsScales()) (&scales[0][0])[Pair()] = std::bit_cast<float>(bits);
    CpAsyncWait<0>();
  }
};

// A block: every so many-th panel of the weight, or of each of two, and at most kTokens tokens.
template <DType kType, int kTokens>
struct PanelProduct {
  static constexpr int kPass = kPassGroups<kTokens>;
  static constexpr int kPasses = kChunkGroups / kPass;
  static constexpr int kItems = kChunkGroups / kPanelSlots;  // groups of a slot in a chunk
  static constexpr int kPassItems = kItems / kPasses;
  // Groups whose weights are on their way at a time: four where they have few words and there is one token, or they would fill
  // the registers.
  static constexpr int kWords =
      RecordOf(kType).low_words + RecordOf(kType).high_words + (RecordOf(kType).level_bytes > 0);
  static constexpr int kAhead = kWords > 4 || kTokens > 1 ? 2 : kItems;

  // Of groups with two scales, sums of fewer tokens.
  static constexpr int kTokensAtOnce = RecordOf(kType).segments == 1 ? kTokens : kFewTokens;

  const LinearArgs& args;
  GroupSums<kTokens>& shared;
  int groups, first_token;
  int slot_record;  // bytes from the first record of a chunk to the slot's
  int stride;       // and from that to the one that has the slot's next group
  PassSource<kType, kTokens> source;
  PackedGroup<kType> packed[kAhead];
  unsigned pass = 0;
  float acc = 0.0f;  // of the slot's token in this chunk

  GPU_FN PanelProduct(const LinearArgs& linear, GroupSums<kTokens>& block)
      : args(linear),
        shared(block),
        groups(linear.k / kPanelGroup),
        first_token(kTokens <= kFewTokens ? 0 : Bid() % linear.token_parts * kTokens) {
    slot_record = BytesOfGroups<kType>(Slot(), args.block_shift);
    stride = BytesOfGroups<kType>(kPanelSlots, args.block_shift);
  }

  GPU_FN static int Slot() { return Tid() / kPanelRows; }
  GPU_FN static int Row() { return Tid() % kPanelRows; }
  // Blocks that share a token's panels.
  GPU_FN int Step() const { return kTokens <= kFewTokens ? GridDim() : GridDim() / args.token_parts; }
  GPU_FN PanelChunk First() const {
    return PanelChunk::First(args, kTokens <= kFewTokens ? Bid() : Bid() / args.token_parts);
  }

  // From the arguments each time: of a pointer that goes round a loop, compilers forget that it is into global memory.
  GPU_FN const std::byte* Records(const PanelChunk& chunk) const {
    const std::byte* const panels = chunk.which == 0 ? args.weights[0].panels : args.weights[1].panels;
    return panels + chunk.panel * args.panel_bytes +
           (BytesOfGroups<kType>(chunk.begin, args.block_shift) + slot_record);
  }
  // Groups of a chunk from the slot's first on.
  GPU_FN int Left(const PanelChunk& chunk) const { return groups - chunk.begin - Slot(); }
  GPU_FN static bool Has(int left, int i) { return i * kPanelSlots < left; }

  GPU_FN void Load(const PanelChunk& chunk, int i) {
    const std::byte* const record = Records(chunk) + i * stride;
    // Addresses of many fields would fill registers from one group to the next.
    const int thread = kWords > 5 || kTokens > 1 ? Opaque(Tid()) : Tid();
    const int group = thread / kPanelRows % GroupsOfRecord<kType>(args.block_shift);
    if (Has(Left(chunk), i)) packed[i % kAhead] = LoadPacked<kType>(record, group, thread % kPanelRows);
  }

  // One group's part of the sums of all tokens.
  GPU_FN void Multiply(int i) {
    const WeightGroup<kType> w = Unpack(packed[i % kAhead]);
    const int group = Slot() + i % kPassItems * kPanelSlots;
    const auto& x = shared.x[pass % 2];
    auto& inner = shared.inner[pass % 2][group];
#pragma unroll kTokensAtOnce
    for (int t = 0; t < kTokens; ++t) {
      const auto& halves = x.values[t][group];
      inner[t][Row()] = GroupProduct(w, {{LoadVec<16>(halves[0]), LoadVec<16>(halves[1])}, x.sums[t][group]});
    }
  }

  // Adds a pass of so many groups to the sum of the slot's token.
  GPU_FN void AddUp(int count) {
    constexpr int kAtOnce = 16;
    const auto& inner = shared.inner[pass % 2];
    const auto& scales = shared.x_scales[pass % 4][Slot()];
    int g = 0;
#pragma unroll 1
    for (; g + kAtOnce <= count; g += kAtOnce) {
#pragma unroll
      for (int i = 0; i < kAtOnce; ++i) acc = Fma(inner[g + i][Slot()][Row()], scales[g + i], acc);
    }
#pragma unroll 1
    for (; g < count; ++g) acc = Fma(inner[g][Slot()][Row()], scales[g], acc);
  }

  // The weights of both chunks are on their way or asked for here.
  GPU_FN void MultiplyChunk(const PanelChunk& chunk, const PanelChunk& next) {
    const int left = Left(chunk);
#pragma unroll
    for (int p = 0; p < kPasses; ++p) {
      const int begin = chunk.begin + p * kPass, end = begin + kPass;
      const bool exists = p == 0 || begin < groups;
      const bool is_last = p + 1 == kPasses || end >= groups;
      if (exists) source.Begin(args.x, is_last ? next.begin : end, groups, shared.x[(pass + 1) % 2]);
#pragma unroll
      for (int i = p * kPassItems; i < (p + 1) * kPassItems; ++i) {
        if (Has(left, i)) Multiply(i);
        Load(i + kAhead < kItems ? chunk : next, (i + kAhead) % kItems);
      }
      if (!exists) continue;
      source.End(shared.x[(pass + 1) % 2], shared.x_scales[(pass + 1) % 4]);
      SyncBlock();  // the other half of `inner` is free: everyone has passed the pass that read it
      if (Slot() < kTokens) AddUp(end < groups ? kPass : groups - begin);
      ++pass;
    }
    if (Slot() < kTokens) Total(chunk.which) = (chunk.begin == 0 ? kEmptySum : Total(chunk.which)) + acc;
    acc = 0.0f;
  }

  GPU_FN float& Total(int which) const { return shared.totals[which][Slot()][Row()]; }
  GPU_FN float Result(int which, int panel) const {
    return PanelTask(args, which, panel).Finished(args, Row(), Total(which));
  }
  GPU_FN void Store(int panel) const {
    const int token = first_token + Slot();
    const bool exists = Slot() < kTokens && token < args.rows;
    if (args.num_weights == 1) {
      if (exists) PanelTask(args, 0, panel).Store(args, token, Row(), Result(0, panel));
    } else if (Slot() < kTokens || Slot() < kWarp / kPanelRows) {
      StoreGated(args, panel, token, exists, exists ? Result(0, panel) : 0.0f, exists ? Result(1, panel) : 0.0f);
    }
  }
};

template <DType kType, int kTokens>
GPU_FN void FewTokensProduct(const LinearArgs& args) {
  GPU_SHARED(GroupSums<kTokens>, shared);
  PanelProduct<kType, kTokens> product(args, shared);
  PanelChunk chunk = product.First();
#pragma unroll
  for (int i = 0; i < product.kAhead; ++i) product.Load(chunk, i);
  product.source.Start({args.x, args.k}, product.first_token, args.rows);
  product.source.Begin(args.x, 0, product.groups, shared.x[0]);
  product.source.End(shared.x[0], shared.x_scales[0]);
  SyncBlock();
#pragma unroll 1
  while (chunk.begin < product.groups) {
    const int panel = chunk.panel;
#pragma unroll 1
    do {
      const PanelChunk next = chunk.Next(args, product.Step());
      product.MultiplyChunk(chunk, next);
      chunk = next;
    } while (chunk.panel == panel);
    product.Store(panel);
  }
}

}  // namespace engine::gpu
