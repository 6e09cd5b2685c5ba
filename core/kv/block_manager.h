// The blocks of one cache group. Each is free (holds nothing), owned (in the tables of one or more sequences) or
// cached (owned by nobody, but the prefix index names it: the next sequence with that prefix takes it as it is).
//
// Sharing copies nothing: a block has two owners only after the prefix index named it, which it does only once the
// block is full; and a full block is never written.
//
// Cached blocks are evicted least recently used first. A table is given back from its end, so a long prefix loses its
// last block first and stays usable.
//
// Where memory grows, only the first blocks of the pool have any: those that follow get theirs when the others are not
// enough, before anything cached is evicted.
//
// A sequence gets neighbouring blocks where it can, as they lie together (kSpanBlocks); else the lowest free one, so that
// the memory in use stays dense. Belongs to one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/base/status.h"
#include "core/kv/block_table.h"
#include "core/kv/cache_spec.h"
#include "core/kv/lru_list.h"
#include "core/kv/prefix_index.h"

namespace engine {

// Sees to it that the first `blocks` blocks of a group's pool have memory. Returns how many have: fewer if memory is
// short, never fewer than before. What one sequence can need at most has some from the start.
using BackBlocks = std::function<int(int group, int blocks)>;

class BlockManager {
 public:
  // `group` is this group's number in `index`, which must outlive the manager. Without `back` all blocks have memory.
  BlockManager(const CacheSpec& spec, int num_blocks, int group, PrefixIndex& index, BackBlocks back = nullptr);

  const CacheSpec& spec() const { return spec_; }
  int num_blocks() const { return static_cast<int>(blocks_.size()); }
  int num_free() const { return num_free_; }
  int num_cached() const { return cached_.size(); }
  // Those included that have no memory yet, as long as nothing speaks against their getting it.
  int num_available() const { return num_free() + num_cached() + most_backed_ - num_backed_; }
  int num_owned() const { return num_backed_ - num_free() - num_cached(); }
  int num_backed() const { return num_backed_; }
  int owners(int32_t block) const { return blocks_[block].owners; }
  bool is_named(int32_t block) const { return blocks_[block].node != PrefixIndex::kNoNode; }

  // Blocks that Grow would take.
  int64_t BlocksToGrow(const BlockTable& table, int64_t num_tokens) const;

  // Gets memory for more blocks if fewer than `blocks` are free. Those that get none are not available from then on.
  void Back(int64_t blocks);
  // A span of them may be again: memory may have become free. Whether more has, only a try can tell.
  void ForgetShortage() { most_backed_ = std::max(most_backed_, std::min(num_blocks(), num_backed_ + kSpanBlocks)); }

  // Makes room for positions 0 … num_tokens - 1. After Back, num_available() must cover BlocksToGrow().
  void Grow(BlockTable& table, int64_t num_tokens);

  // Puts `block` of the index into a table, at `index_in_table`.
  void Share(BlockTable& table, int64_t index_in_table, int32_t block);

  // From now on the index names this full block by `node`, which must not name another block of this group.
  void Name(int32_t block, int32_t node);

  // Gives back the blocks that no query at or after `position` sees; the table keeps kNullBlock in their place.
  void ReleaseInvisible(BlockTable& table, int64_t position);

  // Gives back every block and empties the table.
  void Release(BlockTable& table);

  // `tables` are all tables in use. Names the first broken promise above.
  absl::Status CheckInvariants(std::span<const BlockTable* const> tables) const;

 private:
  struct Block {
    int32_t owners = 0;
    int32_t node = PrefixIndex::kNoNode;
  };

  // The first `count` blocks have memory.
  void Extend(int count);
  // A free block to follow those of `table`.
  int32_t NextBlock(const BlockTable& table) const;
  bool IsFree(int32_t block) const { return free_[block / kSpanBlocks] >> block % kSpanBlocks & 1; }
  void AddFree(int32_t block);
  void EvictOldest();
  void DropOwner(int32_t block);
  absl::Status CheckOwners(std::span<const BlockTable* const> tables) const;

  CacheSpec spec_;
  int group_;
  PrefixIndex& index_;
  std::vector<Block> blocks_;
  BackBlocks back_;
  int num_backed_ = 0;
  int most_backed_ = 0;        // that can be, as far as is known
  std::vector<uint8_t> free_;  // of each span, a bit per block
  int num_free_ = 0;
  LruList cached_;
};

}  // namespace engine
