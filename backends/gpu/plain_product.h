// Device code: rows times a panel of bf16, f16 or f32 weights (docs/numerics.md, rule 3).
//
//   y[t, j] = sum over chunks of 2048: the chain of x[t, i] w[j, i], ascending
//
// A chain cannot be cut, so a slot of 32 lanes walks a whole chunk of its panel, for one or eight tokens. The eight slots of
// a block take chunks of one panel, neighbouring tokens, and neighbouring panels, in this order.
#pragma once

#include "backends/gpu/pair_chain.h"
#include "backends/gpu/panel_task.h"
#include "core/base/math.h"

namespace engine::gpu {

// x of one token and weights of one row, widened: as many as a lane loads at once.
template <DType kType>
inline constexpr int kUnitValues = kType == DType::kF32 ? 4 : 8;

template <DType kType>
GPU_FN void Widen(const Vec<16>& unit, float* out) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const uint32_t word = unit.words[i];
    if constexpr (kType == DType::kF32) {
      out[i] = BitsToFloat(word);
    } else if constexpr (kType == DType::kBF16) {
      out[2 * i] = WidenBf16(word & 0xffff);
      out[2 * i + 1] = WidenBf16(word >> 16);
    } else {
      out[2 * i] = F16ToF32(static_cast<uint16_t>(word));
      out[2 * i + 1] = F16ToF32(static_cast<uint16_t>(word >> 16));
    }
  }
}

// Rows of bf16 with bf16 weights, else of f32.
template <DType kType>
struct PlainRows {
  static constexpr bool kIsBf16 = kType == DType::kBF16;
  const std::byte* rows;
  int k;

  // Values [i, i + kUnitValues) of a token; zeros from k on.
  GPU_FN void Load(int token, int i, float* out) const {
    constexpr int kBytes = kIsBf16 ? 2 : 4;
    const std::byte* const at = rows + (int64_t{token} * k + i) * kBytes;
    if (k % (16 / kBytes) != 0) return LoadAnywhere(at, i, out);
#pragma unroll
    for (int v = 0; v < kUnitValues<kType> * kBytes / 16; ++v) {
      Widen<kIsBf16 ? DType::kBF16 : DType::kF32>(LoadVec<16>(at + v * 16), out + v * 4);
    }
  }

 private:
  // Rows of such a k begin anywhere.
  GPU_FN void LoadAnywhere(const std::byte* at, int i, float* out) const {
#pragma unroll
    for (int j = 0; j < kUnitValues<kType>; ++j) {
      if (i + j >= k) {
        out[j] = 0.0f;
      } else if constexpr (kIsBf16) {
        out[j] = WidenBf16(reinterpret_cast<const uint16_t*>(at)[j]);
      } else {
        out[j] = reinterpret_cast<const float*>(at)[j];
      }
    }
  }
};

// Adds the products of one unit, `count` of its values.
template <DType kType>
GPU_FN float AddUnit(const float* w, const float* x, int count, float acc) {
  if constexpr (kType == DType::kBF16) {
    return PairChain<8>(x, w, count, acc);
  } else {
#pragma unroll
    for (int i = 0; i < kUnitValues<kType>; ++i) {
      if (i < count) acc = Fma(x[i], w[i], acc);
    }
    return acc;
  }
}

// What a slot computes.
template <int kTokens>
struct PlainTask {
  bool active;
  int panel;
  int first_token;
  int tokens;
  int chunk_slot;  // among those that share the panel and the tokens

  // `index` counts tiles of tokens within panels.
  GPU_FN PlainTask(const LinearArgs& args, int index, int slot, int tiles)
      : active(index < static_cast<int>(NumPanels(args.n)) * tiles),
        panel(active ? index / tiles : 0),
        first_token(index % tiles * kTokens),
        tokens(0),
        chunk_slot(slot % args.chunk_slots) {
    if (active) tokens = args.rows - first_token < kTokens ? args.rows - first_token : kTokens;
  }

  // Whether the thread adds up the chunks of token t.
  GPU_FN bool Owns(const LinearArgs& args, int t) const { return t < tokens && t % args.chunk_slots == chunk_slot; }
};

// Sums of values [begin, end) of k, one per token.
template <DType kType, int kTokens>
GPU_FN void ChunkProduct(const std::byte* panel, const PlainRows<kType>& x, const PlainTask<kTokens>& task, int begin,
                         int end, float* acc) {
  constexpr int kValues = kUnitValues<kType>;
  for (int t = 0; t < kTokens; ++t) acc[t] = 0.0f;
  for (int i = begin; i < end; i += kValues) {
    const int count = end - i < kValues ? end - i : kValues;
    float w[kValues];
    Widen<kType>(LoadVec<16>(panel + (int64_t{i / kValues} * kPanelRows + Tid() % kPanelRows) * kPanelUnit), w);
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      if (t >= task.tokens) continue;
      float values[kValues];
      x.Load(task.first_token + t, i, values);
      acc[t] = AddUnit<kType>(w, values, count, acc[t]);
    }
  }
}

// The sums of the slots' chunks, then their totals by one thread per output.
template <DType kType, int kTokens>
GPU_FN void PanelSums(const LinearArgs& args, const std::byte* panel, const PlainTask<kTokens>& task,
                      ChunkSums<kTokens>& shared) {
  const int slot = Tid() / kPanelRows, row = Tid() % kPanelRows;
  const PlainRows<kType> x{args.x, args.k};
  const int chunks = (args.k + kChunkValues - 1) / kChunkValues;
  for (int t = 0; t < kTokens; ++t) shared.totals[slot][t][row] = kEmptySum;
  for (int base = 0; base < chunks; base += args.chunk_slots) {
    const int own = base + task.chunk_slot;
    if (own < chunks) {
      float sums[kTokens];
      const int begin = own * kChunkValues;
      ChunkProduct<kType, kTokens>(panel, x, task, begin, args.k - begin < kChunkValues ? args.k : begin + kChunkValues,
                                   sums);
#pragma unroll
      for (int t = 0; t < kTokens; ++t) {
        if (t < task.tokens) shared.sums[slot][t][row] = sums[t];
      }
    }
    SyncBlock();
    const int end = chunks - base < args.chunk_slots ? chunks - base : args.chunk_slots;
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      if (!task.Owns(args, t)) continue;
      for (int c = 0; c < end; ++c) {
        shared.totals[slot][t][row] += shared.sums[slot - task.chunk_slot + c][t][row];
      }
    }
    SyncBlock();
  }
}

template <DType kType, int kTokens>
GPU_FN void PlainProduct(const LinearArgs& args) {
  GPU_SHARED(ChunkSums<kTokens>, shared);
  const int slot = Tid() / kPanelRows;
  const int tiles = (args.rows + kTokens - 1) / kTokens;
  const int index = Bid() * (kSlots / args.chunk_slots) + slot / args.chunk_slots;
  const PlainTask<kTokens> task(args, index, slot, tiles);
  float gates[kTokens] = {};
#pragma unroll 1
  for (int which = 0; which < args.num_weights; ++which) {
    const PanelTask panel(args, which, task.panel);
    PanelSums<kType, kTokens>(args, panel.weight.panels + panel.panel * args.panel_bytes, task, shared);
    if (which + 1 == args.num_weights) break;
#pragma unroll
    for (int t = 0; t < kTokens; ++t) gates[t] = panel.Finished(args, panel.row, shared.totals[slot][t][panel.row]);
  }
  const PanelTask panel(args, args.num_weights - 1, task.panel);
#pragma unroll
  for (int t = 0; t < kTokens; ++t) shared.sums[slot][t][panel.row] = gates[t];
#pragma unroll 1
  for (int t = 0; t < kTokens; ++t) {
    const float product = panel.Finished(args, panel.row, shared.totals[slot][t][panel.row]);
    if (args.num_weights == 2) {
      StoreGated(args, panel.panel, task.first_token + t, task.Owns(args, t), shared.sums[slot][t][panel.row], product);
    } else if (task.Owns(args, t)) {
      panel.Store(args, task.first_token + t, panel.row, product);
    }
  }
}

}  // namespace engine::gpu
