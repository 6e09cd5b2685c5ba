#include "core/kv/block_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const CacheSpec kPaged = {.kind = CacheKind::kPaged, .kv_heads = 1, .head_dim = 16, .dtype = DType::kF32};
const CacheSpec kWindow33 = {
    .kind = CacheKind::kWindow, .window = 33, .kv_heads = 1, .head_dim = 16, .dtype = DType::kF32};

// One group of `num_blocks` blocks over an index of its own.
struct Pool {
  explicit Pool(int num_blocks, const CacheSpec& spec = kPaged, BackBlocks back = nullptr)
      : index(1), manager(spec, num_blocks, 0, index, std::move(back)) {}

  // Names block i of the table as prefix block `first_token` of the empty salt.
  int32_t Name(const BlockTable& table, int i, int32_t first_token) {
    std::array<int32_t, kBlockTokens> tokens = {first_token};
    const int32_t node = index.FindOrAdd(index.FindOrAddRoot(""), tokens);
    manager.Name(table[i], node);
    return node;
  }

  PrefixIndex index;
  BlockManager manager;
};

absl::Status Check(const BlockManager& manager, std::vector<const BlockTable*> tables) {
  return manager.CheckInvariants(tables);
}

TEST(BlockManager, GrowsByWholeBlocks) {
  Pool pool(4);
  BlockTable table;
  pool.manager.Grow(table, 1);
  EXPECT_EQ(table.size(), 1u);
  pool.manager.Grow(table, kBlockTokens);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(pool.manager.BlocksToGrow(table, kBlockTokens + 1), 1);
  pool.manager.Grow(table, kBlockTokens + 1);
  EXPECT_EQ(table.size(), 2u);
  EXPECT_TRUE(Check(pool.manager, {&table}).ok());
}

// Blocks get memory in steps of two, as long as there is some.
struct Memory {
  int there = 0;
  int backed = 2;
  int calls = 0;

  BackBlocks Back() {
    return [this](int, int blocks) {
      ++calls;
      if ((blocks + 1) / 2 * 2 <= there) backed = std::max(backed, (blocks + 1) / 2 * 2);
      return backed;
    };
  }
};

void BackAndGrow(BlockManager& manager, BlockTable& table, int64_t blocks) {
  manager.Back(blocks);
  manager.Grow(table, (static_cast<int64_t>(table.size()) + blocks) * kBlockTokens);
}

TEST(BlockManager, BlocksGetMemoryWhenThoseThatHaveSomeAreNotEnough) {
  Memory memory{.there = 16};
  Pool pool(16, kPaged, memory.Back());
  BlockTable table;
  EXPECT_EQ(pool.manager.num_available(), 16);
  BackAndGrow(pool.manager, table, 2);
  EXPECT_EQ(memory.backed, 2);
  BackAndGrow(pool.manager, table, 1);
  EXPECT_EQ(memory.backed, 4);
  EXPECT_EQ(pool.manager.num_available(), 13);
  EXPECT_EQ(pool.manager.num_owned(), 3);
  EXPECT_TRUE(Check(pool.manager, {&table}).ok());
}

TEST(BlockManager, MemoryIsTakenBeforeACachedBlockIsEvicted) {
  Memory memory{.there = 4};
  Pool pool(16, kPaged, memory.Back());
  BlockTable table, other;
  BackAndGrow(pool.manager, table, 2);
  pool.Name(table, 0, 1);
  pool.manager.Release(table);
  BackAndGrow(pool.manager, other, 3);
  EXPECT_EQ(pool.manager.num_cached(), 1);
  BackAndGrow(pool.manager, other, 1);
  EXPECT_EQ(pool.manager.num_cached(), 0) << "there is no more memory";
  EXPECT_TRUE(Check(pool.manager, {&other}).ok());
}

TEST(BlockManager, BlocksThatGotNoMemoryAreNotAvailableUntilItIsWorthATry) {
  Memory memory{.there = 4};
  Pool pool(16, kPaged, memory.Back());
  pool.manager.Back(5);
  EXPECT_EQ(pool.manager.num_available(), 2);
  const int calls = memory.calls;
  pool.manager.Back(5);
  EXPECT_EQ(memory.calls, calls) << "it is known to be short";
  memory.there = 16;
  pool.manager.ForgetShortage();
  EXPECT_EQ(pool.manager.num_available(), 2 + kSpanBlocks) << "one span more is worth a try";
  BlockTable table;
  BackAndGrow(pool.manager, table, 5);
  EXPECT_EQ(memory.backed, 6);
  pool.manager.ForgetShortage();
  EXPECT_EQ(pool.manager.num_available(), 1 + kSpanBlocks) << "and another one, now that it was there";
  EXPECT_TRUE(Check(pool.manager, {&table}).ok());
}

TEST(BlockManager, AnUnnamedBlockIsFreeOnceReleased) {
  Pool pool(4);
  BlockTable table;
  pool.manager.Grow(table, 3 * kBlockTokens);
  pool.manager.Release(table);
  EXPECT_EQ(pool.manager.num_free(), 4);
  EXPECT_TRUE(table.empty());
}

TEST(BlockManager, ANamedBlockStaysCachedOnceReleased) {
  Pool pool(4);
  BlockTable table;
  pool.manager.Grow(table, 2 * kBlockTokens);
  pool.Name(table, 0, 1);
  pool.manager.Release(table);
  EXPECT_EQ(pool.manager.num_free(), 3);
  EXPECT_EQ(pool.manager.num_cached(), 1);
  EXPECT_EQ(pool.manager.num_available(), 4);
}

TEST(BlockManager, SharedPrefixIsFreedByItsLastOwner) {
  Pool pool(2);
  BlockTable first, second = {kNullBlock};
  pool.manager.Grow(first, kBlockTokens);
  pool.Name(first, 0, 1);
  pool.manager.Share(second, 0, first[0]);
  EXPECT_EQ(pool.manager.owners(second[0]), 2);
  pool.manager.Release(first);
  EXPECT_EQ(pool.manager.num_cached(), 0);
  pool.manager.Release(second);
  EXPECT_EQ(pool.manager.num_cached(), 1);
}

TEST(BlockManager, FreeBlocksAreTakenBeforeCachedOnes) {
  Pool pool(2);
  BlockTable table;
  pool.manager.Grow(table, kBlockTokens);
  const int32_t cached = table[0];
  const int32_t node = pool.Name(table, 0, 1);
  pool.manager.Release(table);
  pool.manager.Grow(table, kBlockTokens);
  EXPECT_NE(table[0], cached);
  EXPECT_EQ(pool.index.block(node, 0), cached);
}

TEST(BlockManager, EvictionForgetsTheName) {
  Pool pool(1);
  BlockTable table;
  pool.manager.Grow(table, kBlockTokens);
  pool.Name(table, 0, 1);
  pool.manager.Release(table);
  pool.manager.Grow(table, kBlockTokens);
  EXPECT_FALSE(pool.manager.is_named(table[0]));
  EXPECT_EQ(pool.index.num_nodes(), 0);
  EXPECT_TRUE(Check(pool.manager, {&table}).ok());
}

TEST(BlockManager, ATableLosesItsLastCachedBlockFirst) {
  Pool pool(3);
  BlockTable table;
  pool.manager.Grow(table, 3 * kBlockTokens);
  const int32_t nodes[] = {pool.Name(table, 0, 1), pool.Name(table, 1, 2), pool.Name(table, 2, 3)};
  pool.manager.Release(table);
  pool.manager.Grow(table, kBlockTokens);
  EXPECT_NE(pool.index.block(nodes[0], 0), kNullBlock);
  EXPECT_NE(pool.index.block(nodes[1], 0), kNullBlock);
  EXPECT_EQ(pool.manager.num_cached(), 2);
}

TEST(BlockManager, TheLeastRecentlyUsedPrefixIsEvictedFirst) {
  Pool pool(2);
  BlockTable old_table, new_table;
  pool.manager.Grow(old_table, kBlockTokens);
  pool.manager.Grow(new_table, kBlockTokens);
  pool.Name(old_table, 0, 1);
  const int32_t new_node = pool.Name(new_table, 0, 2);
  pool.manager.Release(new_table);
  pool.manager.Release(old_table);
  BlockTable again = {kNullBlock};
  pool.manager.Share(again, 0, pool.index.block(new_node, 0));  // used again: now the newest
  pool.manager.Release(again);
  BlockTable taker;
  pool.manager.Grow(taker, kBlockTokens);
  EXPECT_EQ(pool.manager.num_cached(), 1);
  EXPECT_EQ(pool.index.Find(pool.index.FindRoot(""), std::array<int32_t, kBlockTokens>{1}), PrefixIndex::kNoNode);
  EXPECT_NE(pool.index.block(new_node, 0), kNullBlock);
}

// Whether blocks [begin, end) of the table are neighbours from the start of a span on.
bool IsOneSpan(const BlockTable& table, size_t begin, size_t end) {
  if (table[begin] % kSpanBlocks != 0) return false;
  for (size_t i = begin; i < end; ++i) {
    if (table[i] != table[begin] + static_cast<int32_t>(i - begin)) return false;
  }
  return true;
}

TEST(BlockManager, AfterItsFirstPartitionASequenceGetsWholeSpansThoughOthersGrowBesideIt) {
  Pool pool(16 * kSpanBlocks);
  BlockTable first, second;
  for (int64_t tokens = 1; tokens <= 4 * kSpanBlocks * kBlockTokens; tokens += kBlockTokens) {
    pool.manager.Grow(first, tokens);
    pool.manager.Grow(second, tokens);
  }
  for (size_t begin = kSpanBlocks; begin < first.size(); begin += kSpanBlocks) {
    EXPECT_TRUE(IsOneSpan(first, begin, begin + kSpanBlocks)) << begin;
    EXPECT_TRUE(IsOneSpan(second, begin, begin + kSpanBlocks)) << begin;
  }
  EXPECT_TRUE(Check(pool.manager, {&first, &second}).ok());
}

TEST(BlockManager, APromptGetsWholeSpansOfWhatIsEvictedForIt) {
  Pool pool(2 * kSpanBlocks);
  BlockTable table;
  pool.manager.Grow(table, int64_t{pool.manager.num_blocks()} * kBlockTokens);
  for (int i = 0; i < pool.manager.num_blocks(); ++i) pool.Name(table, i, i);
  pool.manager.Release(table);
  pool.manager.Grow(table, int64_t{pool.manager.num_blocks()} * kBlockTokens);
  EXPECT_TRUE(IsOneSpan(table, 0, table.size()));
}

TEST(BlockManager, ShortSequencesShareASpan) {
  Pool pool(2 * kSpanBlocks);
  BlockTable tables[kSpanBlocks];
  for (BlockTable& table : tables) pool.manager.Grow(table, 1);
  for (const BlockTable& table : tables) EXPECT_LT(table[0], kSpanBlocks);
}

TEST(BlockManager, WithoutAWholeSpanEveryFreeBlockStillServes) {
  Pool pool(2 * kSpanBlocks + 3);
  BlockTable holder, table;
  pool.manager.Grow(holder, 1);
  pool.manager.Grow(table, 2 * (kSpanBlocks + 1) * kBlockTokens);
  EXPECT_EQ(pool.manager.num_available(), 0);
  EXPECT_TRUE(Check(pool.manager, {&holder, &table}).ok());
}

TEST(BlockManager, BlocksBehindTheWindowAreGivenBackAndLeaveAHole) {
  Pool pool(4, kWindow33);
  BlockTable table;
  pool.manager.Grow(table, 4 * kBlockTokens);
  pool.manager.ReleaseInvisible(table, 63);  // sees 31 … 63: block 0 still counts
  EXPECT_NE(table[0], kNullBlock);
  pool.manager.ReleaseInvisible(table, 64);
  EXPECT_EQ(table[0], kNullBlock);
  EXPECT_NE(table[1], kNullBlock);
  pool.manager.ReleaseInvisible(table, 128);
  EXPECT_THAT(table, ElementsAre(kNullBlock, kNullBlock, kNullBlock, ::testing::Ne(kNullBlock)));
  EXPECT_EQ(pool.manager.num_free(), 3);
  EXPECT_TRUE(Check(pool.manager, {&table}).ok());
}

TEST(BlockManager, ATableThatNobodyCountsIsReported) {
  Pool pool(4);
  BlockTable table;
  pool.manager.Grow(table, 1);
  const BlockTable stray = table;
  EXPECT_THAT(std::string(Message(Check(pool.manager, {&table, &stray}))), HasSubstr("is in 2 tables"));
  EXPECT_THAT(std::string(Message(Check(pool.manager, {}))), HasSubstr("is in 0 tables"));
}

}  // namespace
}  // namespace engine
