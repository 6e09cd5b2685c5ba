// Which rows of an attention tile see which tokens, and where those lie: what the kernels of all cache types share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/cpu/attention_tile.h"
#include "backends/cpu/isa/vector.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// Rows whose accumulators stay in registers: 8 rows x 32 lanes are 16 of AVX-512's 32 registers, 2 rows x 32 lanes 8 of
// AVX2's 16.
inline constexpr int kRowTile = ENGINE_ISA_LEVEL == 2 ? 8 : 2;

// Fewer rows take more dimensions of V at once, and then read it in order, as a decoding step waits for memory.
constexpr int MostVectors(int rows) { return rows > kRowTile / 2 ? 2 : 2 * MostVectors(2 * rows); }

// Tokens of a partition, or of a block, that a row sees, counted from its start.
struct Tokens {
  int64_t begin;
  int64_t end;
  bool empty() const { return begin >= end; }
};

inline Tokens VisibleTokens(const AttentionTile& tile, int row, int64_t partition) {
  const int64_t start = partition * kAttentionPartition;
  return {std::max<int64_t>(tile.visible_begin[row] - start, 0),
          std::min<int64_t>(tile.visible_end[row] - start, kAttentionPartition)};
}

// Rows that see any of positions [begin, end): contiguous, as visible ranges only move forward.
struct Rows {
  int begin;
  int end;
};
inline Rows RowsSeeing(const AttentionTile& tile, int64_t begin, int64_t end) {
  Rows rows{0, tile.rows};
  while (rows.begin < rows.end && tile.visible_end[rows.begin] <= begin) ++rows.begin;
  while (rows.begin < rows.end && tile.visible_begin[rows.end - 1] >= end) --rows.end;
  return rows;
}
inline Rows RowsSeeingPartition(const AttentionTile& tile, int64_t partition) {
  return RowsSeeing(tile, partition * kAttentionPartition, (partition + 1) * kAttentionPartition);
}

inline const std::byte* KeysOf(const AttentionTile& tile, int64_t block) {
  const uint32_t id = tile.blocks[block];
  return tile.cache + id / kSpanBlocks * tile.span_bytes + id % kSpanBlocks * tile.block_bytes;
}
inline const std::byte* ValuesOf(const AttentionTile& tile, int64_t block) {
  return KeysOf(tile, block) + tile.values_offset;
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
