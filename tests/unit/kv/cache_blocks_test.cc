#include "core/kv/cache_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace engine {
namespace {

using ::testing::HasSubstr;

const CacheGroup kPaged = {.spec = {.kind = CacheKind::kPaged, .kv_heads = 1, .head_dim = 16, .dtype = DType::kF32}};
// Sees itself and 63 tokens, two whole blocks, before it.
const CacheGroup kWindow = {
    .spec = {.kind = CacheKind::kWindow, .window = 64, .kv_heads = 1, .head_dim = 16, .dtype = DType::kF32}};

std::vector<int32_t> Tokens(int64_t count, int32_t first = 0) {
  std::vector<int32_t> tokens(count);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

struct Cache {
  Cache(std::vector<CacheGroup> groups, std::vector<int> num_blocks, bool index_prefixes = true)
      : blocks(*CacheBlocks::Create(groups, num_blocks, index_prefixes)) {}

  // A sequence that has computed all of `tokens`, in steps of one block.
  SequenceBlocks Compute(const std::vector<int32_t>& tokens, std::string_view salt = "") {
    SequenceBlocks held;
    blocks->Start({}, salt, held);
    for (int64_t end = std::min<int64_t>(kBlockTokens, tokens.size());;) {
      EXPECT_TRUE(blocks->Grow(held, end));
      blocks->Advance(held, tokens, end);
      if (end == static_cast<int64_t>(tokens.size())) return held;
      end = std::min<int64_t>(end + kBlockTokens, tokens.size());
    }
  }
  void ComputeAndRelease(const std::vector<int32_t>& tokens, std::string_view salt = "") {
    SequenceBlocks held = Compute(tokens, salt);
    blocks->Release(held);
  }
  int64_t MatchedTokens(const std::vector<int32_t>& tokens, std::string_view salt = "") const {
    return blocks->Match(tokens, salt).num_tokens();
  }

  std::unique_ptr<CacheBlocks> blocks;
};

TEST(CacheBlocks, AFinishedSequenceLeavesItsFullBlocksToTheNext) {
  Cache cache({kPaged}, {8});
  cache.ComputeAndRelease(Tokens(100));
  EXPECT_EQ(cache.MatchedTokens(Tokens(200)), 96);
}

TEST(CacheBlocks, TheLastTokenOfAPromptIsAlwaysComputed) {
  Cache cache({kPaged}, {8});
  cache.ComputeAndRelease(Tokens(64));
  EXPECT_EQ(cache.MatchedTokens(Tokens(64)), 32);
  EXPECT_EQ(cache.MatchedTokens(Tokens(65)), 64);
  EXPECT_EQ(cache.MatchedTokens({}), 0);
}

TEST(CacheBlocks, AMatchEndsWhereTheTokensDiffer) {
  Cache cache({kPaged}, {8});
  cache.ComputeAndRelease(Tokens(128));
  std::vector<int32_t> other = Tokens(128);
  other[70] = -1;
  EXPECT_EQ(cache.MatchedTokens(other), 64);
}

TEST(CacheBlocks, AMatchNeedsTheSameSalt) {
  Cache cache({kPaged}, {8});
  cache.ComputeAndRelease(Tokens(100), "alice");
  EXPECT_EQ(cache.MatchedTokens(Tokens(100), "bob"), 0);
  EXPECT_EQ(cache.MatchedTokens(Tokens(100), "alice"), 96);
}

TEST(CacheBlocks, NothingIsKeptWithoutAnIndex) {
  Cache cache({kPaged}, {8}, /*index_prefixes=*/false);
  cache.ComputeAndRelease(Tokens(100));
  EXPECT_EQ(cache.MatchedTokens(Tokens(100)), 0);
  EXPECT_EQ(cache.blocks->group(0).num_free(), 8);
}

TEST(CacheBlocks, ASharedPrefixIsOwnedTwiceAndExtendedPrivately) {
  Cache cache({kPaged}, {8});
  const std::vector<int32_t> tokens = Tokens(70);
  SequenceBlocks first = cache.Compute(tokens);
  SequenceBlocks second;
  cache.blocks->Start(cache.blocks->Match(tokens, ""), "", second);
  ASSERT_TRUE(cache.blocks->Grow(second, 70));
  EXPECT_EQ(second.tables[0][0], first.tables[0][0]);
  EXPECT_EQ(second.tables[0][1], first.tables[0][1]);
  EXPECT_NE(second.tables[0][2], first.tables[0][2]);
  const CacheBlocks::Holding holdings[] = {{&first, tokens}, {&second, tokens}};
  EXPECT_TRUE(cache.blocks->CheckInvariants(holdings).ok()) << cache.blocks->CheckInvariants(holdings);
}

TEST(CacheBlocks, EqualBlocksComputedTwiceAreNamedOnce) {
  Cache cache({kPaged}, {8});
  const std::vector<int32_t> tokens = Tokens(64);
  SequenceBlocks first = cache.Compute(tokens), second = cache.Compute(tokens);
  const CacheBlocks::Holding holdings[] = {{&first, tokens}, {&second, tokens}};
  EXPECT_TRUE(cache.blocks->CheckInvariants(holdings).ok()) << cache.blocks->CheckInvariants(holdings);
  cache.blocks->Release(second);
  EXPECT_EQ(cache.blocks->group(0).num_cached(), 0);
  EXPECT_EQ(cache.blocks->group(0).num_free(), 6);
  cache.blocks->Release(first);
  EXPECT_EQ(cache.blocks->group(0).num_cached(), 2);
}

TEST(CacheBlocks, GrowTakesFromEveryGroupOrFromNone) {
  Cache cache({kPaged, kWindow}, {8, 2});
  SequenceBlocks held;
  cache.blocks->Start({}, "", held);
  EXPECT_FALSE(cache.blocks->Grow(held, 3 * kBlockTokens));
  EXPECT_EQ(cache.blocks->group(0).num_free(), 8);
  EXPECT_TRUE(cache.blocks->Grow(held, 2 * kBlockTokens));
  EXPECT_EQ(held.room(), 64);
}

TEST(CacheBlocks, AWindowGroupNeedsOnlyTheLastBlocksOfAPrefix) {
  Cache cache({kPaged, kWindow}, {8, 3});
  const std::vector<int32_t> tokens = Tokens(193);
  cache.ComputeAndRelease(Tokens(192));  // the window pool kept the last three blocks only
  const PrefixMatch match = cache.blocks->Match(tokens, "");
  EXPECT_EQ(match.num_tokens(), 192);
  SequenceBlocks held;
  cache.blocks->Start(match, "", held);
  EXPECT_EQ(std::ranges::count(held.tables[0], kNullBlock), 0);
  EXPECT_EQ(std::ranges::count(held.tables[1], kNullBlock), 4);
  EXPECT_EQ(held.tables[0].size(), held.tables[1].size());
}

TEST(CacheBlocks, AMatchIsTheLongestThatIsValidInEveryGroup) {
  Cache cache({kPaged, kWindow}, {8, 3});
  cache.ComputeAndRelease(Tokens(192));
  // Length 160 would need window blocks 3 and 4, 128 blocks 2 and 3: only 3, 4 and 5 are left.
  EXPECT_EQ(cache.MatchedTokens(Tokens(170)), 160);
  EXPECT_EQ(cache.MatchedTokens(Tokens(130)), 0);
}

TEST(CacheBlocks, UnownedBlocksOfAMatchAreThoseNobodyElseHolds) {
  Cache cache({kPaged}, {8});
  cache.ComputeAndRelease(Tokens(96));
  SequenceBlocks held;
  cache.blocks->Start(cache.blocks->Match(Tokens(40), ""), "", held);
  EXPECT_EQ(cache.blocks->UnownedBlocks(cache.blocks->Match(Tokens(97), ""), 0), 2);
}

TEST(CacheBlocks, TokensThatChangeUnderANameAreReported) {
  Cache cache({kPaged}, {8});
  std::vector<int32_t> tokens = Tokens(64);
  SequenceBlocks held = cache.Compute(tokens);
  tokens[3] = 99;
  const CacheBlocks::Holding holdings[] = {{&held, tokens}};
  EXPECT_THAT(std::string(Message(cache.blocks->CheckInvariants(holdings))), HasSubstr("holds other tokens"));
}

TEST(CacheBlocks, AGroupWithoutBlocksIsRefused) {
  EXPECT_FALSE(CacheBlocks::Create(std::vector{kPaged}, std::vector{0}, true).ok());
  EXPECT_FALSE(CacheBlocks::Create(std::vector{kPaged}, std::vector<int>{}, true).ok());
  CacheGroup state = kPaged;
  state.spec.kind = CacheKind::kState;
  EXPECT_EQ(CacheBlocks::Create(std::vector{state}, std::vector{4}, true).status().code(),
            absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace engine
