// Device code: which query rows a block of paged_attention has, what they see, and how partitions are merged.
#pragma once

#include "backends/gpu/paged_attention.h"
#include "backends/gpu/port/port.h"
#include "ops/kv_layout.h"

namespace engine::gpu {

// A tile of one sequence's rows over one KV head. Grid: x counts tiles of sequences, y KV heads, z partitions. Later rows see
// more, so their blocks are the first to start.
template <int kRows>
struct AttentionTileOf {
  int sequence;
  int head;  // of KV
  int group;
  int first_row;
  int rows;
  int first_position;  // of the sequence's new tokens

  GPU_FN explicit AttentionTileOf(const AttentionArgs& args)
      : sequence(Bid() / TilesOf(args)),
        head(BidY()),
        group(args.group),
        first_row((TilesOf(args) - 1 - Bid() % TilesOf(args)) * kRows) {
    const int length = args.query_length[sequence];
    first_position = args.context_length[sequence] - length;
    rows = length * group - first_row;
    if (rows > kRows) rows = kRows;
  }

  GPU_FN static int TilesOf(const AttentionArgs& args) { return (args.rows + kRows - 1) / kRows; }

  // Positions that row r sees.
  GPU_FN int End(int r) const { return first_position + (first_row + r) / group + 1; }
  GPU_FN int Begin(const AttentionArgs& args, int r) const {
    const int begin = args.window > 0 ? End(r) - args.window : 0;
    return begin > 0 ? begin : 0;
  }

  // What follows from it is computed where it is written: in registers it would be in the way throughout a loop.
  GPU_FN AttentionTileOf Anew() const {
    AttentionTileOf tile = *this;
    tile.sequence = Opaque(sequence);
    tile.head = Opaque(head);
    tile.first_row = Opaque(first_row);
    return tile;
  }

  // Elements from the start of q, and of the result, to row r.
  GPU_FN int64_t Offset(const AttentionArgs& args, int r) const {
    const int row = first_row + r;
    const int64_t token = args.query_start[sequence] + row / group;
    return ((token * args.kv_heads + head) * group + row % group) * args.head_dim;
  }

  // What a partition contributes to row r; where it lies does not depend on the tile.
  GPU_FN float* Partial(const AttentionArgs& args, int partition, int r) const {
    const int64_t rows = ((int64_t{sequence} * args.kv_heads + head) * args.partitions + partition) * args.rows;
    return args.partials + (rows + first_row + r) * PartialFloats(args.head_dim);
  }

  // The K part of the block that holds `position`; its V part is kSpanBlocks parts further.
  GPU_FN const std::byte* KeysOf(const AttentionArgs& args, int position) const {
    const int id = args.block_table[int64_t{sequence} * args.table_columns + position / kKvBlockTokens];
    const int64_t span = int64_t{id / kSpanBlocks} * args.kv_heads + head;
    return args.cache + (span * 2 * kSpanBlocks + id % kSpanBlocks) * args.part_bytes;
  }
};

using AttentionTile = AttentionTileOf<kAttentionRows>;

// Brings keys and values of a partition's blocks with positions in [begin, end) nearer. A slot of 32 lanes has one block.
GPU_FN void FetchPartition(const AttentionArgs& args, const AttentionTile& tile, int start, int begin, int end) {
  static_assert(kAttentionThreads / 32 == kPartitionTokens / kKvBlockTokens);
  constexpr int kLineBytes = 128;
  const int first = start + Tid() / 32 * static_cast<int>(kKvBlockTokens);
  if (first + kKvBlockTokens <= begin || first >= end) return;
  const std::byte* const keys = tile.KeysOf(args, first);
  const std::byte* const values = keys + kSpanBlocks * args.part_bytes;
#pragma unroll 1
  for (int64_t at = Tid() % 32 * kLineBytes; at < args.part_bytes; at += 32 * kLineBytes) {
    Prefetch(keys + at);
    Prefetch(values + at);
  }
}

// The outputs of a thread: one dimension of rows set, set + sets, …
struct ThreadOutputs {
  int dim;
  int set;
  int sets;

  GPU_FN explicit ThreadOutputs(int head_dim) : dim(Tid() % head_dim), set(Tid() / head_dim) {
    sets = kAttentionThreads / head_dim;
    if (sets > kAttentionRows) sets = kAttentionRows;
  }
  // The row of output i, or kAttentionRows and more.
  GPU_FN int Row(int i) const { return set < sets ? set + i * sets : kAttentionRows; }
};

}  // namespace engine::gpu
