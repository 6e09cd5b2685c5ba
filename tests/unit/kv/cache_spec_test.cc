#include "core/kv/cache_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

CacheSpec Paged() { return {.kind = CacheKind::kPaged, .kv_heads = 2, .head_dim = 64, .dtype = DType::kBF16}; }
CacheSpec Window(int window) {
  return {.kind = CacheKind::kWindow, .window = window, .kv_heads = 2, .head_dim = 64, .dtype = DType::kBF16};
}

TEST(CacheSpec, LayersOfEqualSpecsFormOneGroup) {
  const std::vector<CacheSpec> layers = {Window(128), Paged(), Window(128), Window(64), Paged()};
  const auto groups = GroupCaches(layers);
  ASSERT_TRUE(groups.ok()) << groups.status();
  ASSERT_EQ(groups->size(), 3u);
  EXPECT_THAT((*groups)[0].layers, ElementsAre(0, 2));
  EXPECT_THAT((*groups)[1].layers, ElementsAre(1, 4));
  EXPECT_THAT((*groups)[2].layers, ElementsAre(3));
}

TEST(CacheSpec, KindsWithoutAnImplementationAreRefusedByName) {
  for (const auto& [kind, name] : {std::pair{CacheKind::kLatent, "latent"}, std::pair{CacheKind::kState, "state"}}) {
    CacheSpec spec = Paged();
    spec.kind = kind;
    const auto groups = GroupCaches(std::vector<CacheSpec>{Paged(), spec});
    EXPECT_EQ(groups.status().code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(std::string(Message(groups.status())), HasSubstr("layer 1")) << name;
    EXPECT_THAT(std::string(Message(groups.status())), HasSubstr(name));
  }
}

TEST(CacheSpec, ElementTypesWithoutAKernelAreRefusedByName) {
  CacheSpec spec = Paged();
  spec.dtype = DType::kQ4_0;
  EXPECT_THAT(std::string(Message(GroupCaches(std::vector{spec}).status())), HasSubstr("q4_0"));
}

TEST(CacheSpec, AWindowOfNothingIsRefused) {
  EXPECT_FALSE(GroupCaches(std::vector{Window(0)}).ok());
  CacheSpec paged_with_window = Paged();
  paged_with_window.window = 8;
  EXPECT_FALSE(GroupCaches(std::vector{paged_with_window}).ok());
}

TEST(CacheSpec, BlockBytesCountKAndVOfEveryLayer) {
  EXPECT_EQ(BlockBytes(Paged()), 2 * 32 * 2 * 64 * 2);
  EXPECT_EQ(BlockBytes(CacheGroup{.spec = Paged(), .layers = {0, 1, 4}}), 3 * BlockBytes(Paged()));
}

TEST(CacheSpec, Int8BlocksHoldAScaleForEachTokensKAndV) {
  CacheSpec spec = Paged();
  spec.dtype = DType::kI8;
  EXPECT_EQ(BlockBytes(spec), 2 * 32 * 2 * (64 + 4));
}

TEST(CacheSpec, Int8RefusesHeadsThatAreNoMultipleOfFour) {
  CacheSpec spec = Paged();
  spec.dtype = DType::kI8;
  spec.head_dim = 66;
  EXPECT_THAT(std::string(Message(GroupCaches(std::vector{spec}).status())), HasSubstr("multiple of 4"));
}

TEST(CacheSpec, AQuerySeesItsWindowAndAPagedQueryEverything) {
  EXPECT_EQ(FirstVisible(Paged(), 1000), 0);
  EXPECT_EQ(FirstVisible(Window(10), 9), 0);
  EXPECT_EQ(FirstVisible(Window(10), 10), 1);
  EXPECT_EQ(FirstVisible(Window(1), 7), 7);
}

// Counts the blocks behind a boundary by asking which positions the next token sees.
TEST(CacheSpec, BlocksBehindABoundaryAreThoseTheNextTokenSees) {
  for (int window = 1; window < 4 * kBlockTokens; ++window) {
    for (int64_t num_blocks = 0; num_blocks < 6; ++num_blocks) {
      const int64_t first = FirstVisible(Window(window), num_blocks * kBlockTokens);
      EXPECT_EQ(BlocksBehind(Window(window), num_blocks), num_blocks - first / kBlockTokens) << window;
    }
  }
}

TEST(CacheSpec, LayersOfAPoolShareNoBlock) {
  for (const int32_t layers : {1, 3}) {
    constexpr int32_t kNumBlocks = 2 * kSpanBlocks + 3;
    std::vector<int> uses(WholeSpans(kNumBlocks) * layers);
    for (int32_t layer = 0; layer < layers; ++layer) {
      for (int32_t block = 0; block < kNumBlocks; ++block) {
        EXPECT_EQ(++uses.at(layer * kSpanBlocks + BlockInPool(block, layers)), 1);
      }
    }
  }
}

TEST(CacheSpec, PeakBlocksCoverEveryChunkAtEveryOffset) {
  for (const int window : {1, 2, 31, 32, 33, 100}) {
    for (const int chunk : {1, 31, 32, 33, 64}) {
      for (int64_t start = 0; start + chunk <= 300; ++start) {
        const int64_t first_block = FirstVisible(Window(window), start) / kBlockTokens;
        EXPECT_LE(BlocksForTokens(start + chunk) - first_block, PeakBlocks(Window(window), 300, chunk));
      }
    }
  }
  EXPECT_EQ(PeakBlocks(Paged(), 300, 1), 10);
}

}  // namespace
}  // namespace engine
