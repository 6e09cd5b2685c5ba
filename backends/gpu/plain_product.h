// Device code: rows times a panel of bf16, f16 or f32 weights (docs/numerics.md, rule 3).
//
//   y[t, j] = sum over chunks of 2048: the chain of x[t, i] w[j, i], ascending
//
// A chain cannot be cut, so a slot of 32 lanes walks a whole chunk of its panel, for one or eight tokens. The slots of
// a block (eight; four for one token) take chunks of one panel, neighbouring tokens, and neighbouring panels, in this order.
#pragma once

#include "backends/gpu/plain_chunk.h"
#include "backends/gpu/plain_units.h"

namespace engine::gpu {

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
    float sums[kTokens] = {};
    const int begin = own * kChunkValues;
    const int end = args.k - begin < kChunkValues ? args.k : begin + kChunkValues;
    const int rest = args.k - base * kChunkValues;
    const PlainChunk<kType, kTokens> chunk{panel, x, task, begin, end};
    chunk.AddTo(sums, rest < kChunkValues ? rest : kChunkValues, shared.x[slot]);
    if (own < chunks) {
#pragma unroll
      for (int t = 0; t < kTokens; ++t) shared.sums[slot][t][row] = sums[t];
#pragma unroll 1
      for (int t = 0; t < task.tokens; ++t) shared.sums[slot][t][row] = chunk.AddRest(t, shared.sums[slot][t][row]);
    }
    SyncBlock();
    const int count = chunks - base < args.chunk_slots ? chunks - base : args.chunk_slots;
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      if (!task.Owns(args, t)) continue;
      for (int c = 0; c < count; ++c) {
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
  const int index = Bid() * (kPlainSlots<kTokens> / args.chunk_slots) + slot / args.chunk_slots;
  const PlainTask<kTokens> task(args, index, slot, tiles);
#pragma unroll 1
  for (int which = 0; which < args.num_weights; ++which) {
    const PanelTask panel(args, which, task.panel);
    PanelSums<kType, kTokens>(args, panel.weight.panels + panel.panel * args.panel_bytes, task, shared);
    if (which + 1 == args.num_weights) break;
#pragma unroll 1
    for (int t = 0; t < kTokens; ++t) {
      shared.gates[slot][t][panel.row] = panel.Finished(args, panel.row, shared.totals[slot][t][panel.row]);
    }
  }
  const PanelTask panel(args, args.num_weights - 1, task.panel);
#pragma unroll 1
  for (int t = 0; t < kTokens; ++t) {
    const float product = panel.Finished(args, panel.row, shared.totals[slot][t][panel.row]);
    if (args.num_weights == 2) {
      StoreGated(args, panel.panel, task.first_token + t, task.Owns(args, t), shared.gates[slot][t][panel.row],
                 product);
    } else if (task.Owns(args, t)) {
      panel.Store(args, task.first_token + t, panel.row, product);
    }
  }
}

}  // namespace engine::gpu
