#include "core/kv/prefix_index.h"

#include <gtest/gtest.h>

#include <numeric>

namespace engine {
namespace {

std::array<int32_t, kBlockTokens> Block(int32_t first) {
  std::array<int32_t, kBlockTokens> tokens;
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

TEST(PrefixIndex, ABlockIsFoundOnlyBehindItsOwnPrefix) {
  PrefixIndex index(1);
  const int32_t root = index.FindOrAddRoot("");
  const int32_t a = index.FindOrAdd(root, Block(0));
  const int32_t b = index.FindOrAdd(root, Block(100));
  const int32_t a_then_c = index.FindOrAdd(a, Block(200));
  EXPECT_EQ(index.Find(a, Block(200)), a_then_c);
  EXPECT_EQ(index.Find(b, Block(200)), PrefixIndex::kNoNode);
}

TEST(PrefixIndex, EqualHashesDoNotMakeBlocksEqual) {
  PrefixIndex index(1, [](int32_t, BlockTokens) -> uint64_t { return 7; });
  const int32_t root = index.FindOrAddRoot("");
  const int32_t a = index.FindOrAdd(root, Block(0));
  const int32_t b = index.FindOrAdd(root, Block(1));
  const int32_t c = index.FindOrAdd(a, Block(0));
  EXPECT_EQ(index.Find(root, Block(0)), a);
  EXPECT_EQ(index.Find(root, Block(1)), b);
  EXPECT_EQ(index.Find(a, Block(0)), c);
  EXPECT_EQ(index.Find(root, Block(2)), PrefixIndex::kNoNode);
  EXPECT_EQ(index.Find(b, Block(0)), PrefixIndex::kNoNode);
}

TEST(PrefixIndex, NodesOfOneHashDieInAnyOrder) {
  for (int dies_first = 0; dies_first < 3; ++dies_first) {
    PrefixIndex index(1, [](int32_t, BlockTokens) -> uint64_t { return 7; });
    const int32_t root = index.FindOrAddRoot("");
    for (int i = 0; i < 3; ++i) index.Attach(index.FindOrAdd(root, Block(i)), 0, i);
    index.Detach(index.Find(root, Block(dies_first)), 0);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(index.Find(root, Block(i)) == PrefixIndex::kNoNode, i == dies_first);
    EXPECT_TRUE(index.CheckInvariants().ok()) << index.CheckInvariants();
  }
}

TEST(PrefixIndex, SaltsNeverMeet) {
  PrefixIndex index(1);
  index.FindOrAdd(index.FindOrAddRoot("alice"), Block(0));
  EXPECT_EQ(index.FindRoot("bob"), PrefixIndex::kNoNode);
  EXPECT_EQ(index.Find(index.FindOrAddRoot("bob"), Block(0)), PrefixIndex::kNoNode);
}

TEST(PrefixIndex, TheLastReasonToLiveTakesTheWholePathAlong) {
  PrefixIndex index(1);
  const int32_t root = index.FindOrAddRoot("alice");
  const int32_t a = index.FindOrAdd(root, Block(0));
  const int32_t b = index.FindOrAdd(a, Block(1));
  index.Attach(a, 0, 5);
  index.Pin(b);
  index.Detach(a, 0);
  EXPECT_EQ(index.num_nodes(), 3);
  index.Unpin(b);
  EXPECT_EQ(index.num_nodes(), 0);
  EXPECT_EQ(index.FindRoot("alice"), PrefixIndex::kNoNode);
}

TEST(PrefixIndex, GroupsHoldTheirBlocksIndependently) {
  PrefixIndex index(2);
  const int32_t a = index.FindOrAdd(index.FindOrAddRoot(""), Block(0));
  index.Attach(a, 0, 3);
  index.Attach(a, 1, 9);
  index.Detach(a, 0);
  EXPECT_EQ(index.block(a, 0), kNullBlock);
  EXPECT_EQ(index.block(a, 1), 9);
}

TEST(PrefixIndex, ANodeWithoutAReasonToLiveIsReported) {
  PrefixIndex index(1);
  index.FindOrAdd(index.FindOrAddRoot(""), Block(0));
  EXPECT_FALSE(index.CheckInvariants().ok());
}

}  // namespace
}  // namespace engine
