#include "core/kv/block_manager.h"

#include <algorithm>
#include <bit>

#include "core/base/check.h"

namespace engine {

BlockManager::BlockManager(const CacheSpec& spec, int num_blocks, int group, PrefixIndex& index, BackBlocks back)
    : spec_(spec),
      group_(group),
      index_(index),
      blocks_(num_blocks),
      back_(std::move(back)),
      most_backed_(num_blocks),
      free_(WholeSpans(num_blocks) / kSpanBlocks),
      cached_(num_blocks) {
  Extend(back_ ? back_(group_, 0) : num_blocks);
}

void BlockManager::Extend(int count) {
  for (; num_backed_ < std::min(count, num_blocks()); ++num_backed_) AddFree(num_backed_);
}

void BlockManager::Back(int64_t blocks) {
  const int64_t wanted = std::min<int64_t>(most_backed_, num_backed_ + blocks - num_free_);
  if (wanted <= num_backed_) return;
  Extend(back_(group_, static_cast<int>(wanted)));
  most_backed_ = num_backed_ < wanted ? num_backed_ : std::max(most_backed_, num_backed_);
}

int64_t BlockManager::BlocksToGrow(const BlockTable& table, int64_t num_tokens) const {
  return std::max<int64_t>(0, BlocksForTokens(num_tokens) - static_cast<int64_t>(table.size()));
}

void BlockManager::Grow(BlockTable& table, int64_t num_tokens) {
  int64_t missing = BlocksToGrow(table, num_tokens);
  ENGINE_CHECK(missing <= num_available());
  while (num_free_ < missing) EvictOldest();
  for (; missing > 0; --missing) {
    const int32_t block = NextBlock(table);
    free_[block / kSpanBlocks] &= ~(1 << block % kSpanBlocks);
    --num_free_;
    blocks_[block].owners = 1;
    table.push_back(block);
  }
}

void BlockManager::Share(BlockTable& table, int64_t index_in_table, int32_t block) {
  ENGINE_CHECK(is_named(block) && table[index_in_table] == kNullBlock);
  if (blocks_[block].owners++ == 0) cached_.Remove(block);
  table[index_in_table] = block;
}

void BlockManager::Name(int32_t block, int32_t node) {
  ENGINE_CHECK(blocks_[block].owners > 0 && !is_named(block));
  blocks_[block].node = node;
  index_.Attach(node, group_, block);
}

void BlockManager::ReleaseInvisible(BlockTable& table, int64_t position) {
  // Blocks leave in order, so everything before the first null block from the end of the range is null too.
  const int64_t visible = std::min<int64_t>(FirstVisible(spec_, position) / kBlockTokens, table.size());
  for (int64_t i = visible - 1; i >= 0 && table[i] != kNullBlock; --i) {
    DropOwner(table[i]);
    table[i] = kNullBlock;
  }
}

void BlockManager::Release(BlockTable& table) {
  for (auto block = table.rbegin(); block != table.rend(); ++block) {
    if (*block != kNullBlock) DropOwner(*block);
  }
  table.clear();
}

// The neighbour of the table's last block; where a partition of attention begins, the first block of a whole span. The
// first partition does without, so that many short sequences share spans.
int32_t BlockManager::NextBlock(const BlockTable& table) const {
  constexpr uint8_t kWhole = (1 << kSpanBlocks) - 1;
  const int32_t next = table.empty() || table.back() == kNullBlock ? 0 : table.back() + 1;
  auto span = free_.end();
  if (!table.empty() && table.size() % kSpanBlocks == 0) {
    span = std::ranges::find(free_, kWhole);
  } else if (next % kSpanBlocks != 0 && IsFree(next)) {
    return next;
  }
  if (span == free_.end()) span = std::ranges::find_if(free_, [](uint8_t blocks) { return blocks != 0; });
  return static_cast<int32_t>((span - free_.begin()) * kSpanBlocks + std::countr_zero(*span));
}

void BlockManager::AddFree(int32_t block) {
  free_[block / kSpanBlocks] |= 1 << block % kSpanBlocks;
  ++num_free_;
}

void BlockManager::EvictOldest() {
  const int32_t block = cached_.oldest();
  cached_.Remove(block);
  index_.Detach(blocks_[block].node, group_);
  blocks_[block].node = PrefixIndex::kNoNode;
  AddFree(block);
}

void BlockManager::DropOwner(int32_t block) {
  ENGINE_CHECK(blocks_[block].owners > 0);
  if (--blocks_[block].owners > 0) return;
  if (is_named(block)) {
    cached_.PushNewest(block);
  } else {
    AddFree(block);
  }
}

absl::Status BlockManager::CheckInvariants(std::span<const BlockTable* const> tables) const {
  RETURN_IF_ERROR(CheckOwners(tables));
  int num_owned = 0, num_cached = 0, num_free = 0;
  for (int32_t block = 0; block < num_blocks(); ++block) {
    const Block& b = blocks_[block];
    num_owned += b.owners > 0;
    num_cached += b.owners == 0 && is_named(block);
    num_free += IsFree(block);
    if (IsFree(block) && (b.owners != 0 || is_named(block)))
      return FailedPrecondition("free block %d is in use", block);
    if (b.owners > 1 && !is_named(block)) {
      return FailedPrecondition("block %d has %d owners but is not known to be full", block, b.owners);
    }
    if (is_named(block) && index_.block(b.node, group_) != block) {
      return FailedPrecondition("block %d is named by prefix node %d, which names block %d", block, b.node,
                                index_.block(b.node, group_));
    }
  }
  if (num_cached != cached_.size() || num_free != num_free_ || num_free + num_cached + num_owned != num_backed_) {
    return FailedPrecondition("%d free (%d counted) + %d cached (%d can be evicted) + %d owned blocks are not all %d",
                              num_free, num_free_, num_cached, cached_.size(), num_owned, num_backed_);
  }
  return absl::OkStatus();
}

absl::Status BlockManager::CheckOwners(std::span<const BlockTable* const> tables) const {
  std::vector<int32_t> owners(blocks_.size(), 0);
  for (const BlockTable* table : tables) {
    for (const int32_t block : *table) {
      if (block != kNullBlock) ++owners[block];
    }
  }
  for (int32_t block = 0; block < num_blocks(); ++block) {
    if (owners[block] != blocks_[block].owners) {
      return FailedPrecondition("block %d is in %d tables but counts %d owners", block, owners[block],
                                blocks_[block].owners);
    }
  }
  return absl::OkStatus();
}

}  // namespace engine
