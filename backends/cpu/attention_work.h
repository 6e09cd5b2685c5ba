// How a step's attention is cut into tiles: query rows that share a sequence and a KV head.
#pragma once

#include <cstdint>

#include "backends/cpu/attention_tile.h"
#include "backends/cpu/row_code.h"
#include "core/kernel/kernel.h"
#include "ops/paged_attention.h"

namespace engine::cpu {

// The rows of a (sequence, KV head) are its tokens times the query heads of that KV head, heads innermost, so that a
// decoding sequence reads K and V once for the whole group. Tile t holds rows [32 t, 32 t + 32).
struct TileId {
  int64_t sequence;
  int64_t kv_head;
  int64_t tile;
};

// A view of one launch's inputs.
class AttentionWork {
 public:
  AttentionWork(const PagedAttention& op, const RowCode& rows, const LaunchArgs& args)
      : op_(op), rows_(rows), args_(args) {}

  int64_t num_tiles() const;

  // The tiles in a fixed order, the longest of each head first. Cheap for a rising `index`, a walk from the first
  // sequence for another.
  class Cursor {
   public:
    explicit Cursor(const AttentionWork& work) : work_(work) {}
    TileId At(int64_t index);

   private:
    const AttentionWork& work_;
    int64_t sequence_ = 0;
    int64_t first_ = 0;  // index of the sequence's first tile
  };

  // Copies the query rows to `queries`, as int8 where the cache is, and points `out` at their places in the output.
  AttentionTile Tile(const TileId& id, std::byte* queries, AttentionOut& out) const;

 private:
  int64_t group() const { return op_.heads / op_.kv_heads; }
  int64_t tiles_per_head(int64_t sequence) const;
  const int32_t* input(int index) const { return args_.in[index].as<const int32_t>(); }

  void TakeQuery(int64_t source, int64_t row, std::byte* queries, AttentionTile& tile) const;

  const PagedAttention& op_;
  const RowCode& rows_;
  const LaunchArgs& args_;
};

// Partitions that any row of a tile sees.
struct PartitionRange {
  int64_t begin;
  int64_t end;
};
PartitionRange PartitionsOf(const AttentionTile& tile);

}  // namespace engine::cpu
