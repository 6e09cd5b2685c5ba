#include "ops/kv_layout.h"

#include <vector>

#include "gtest/gtest.h"

namespace engine {
namespace {

constexpr int64_t kHeads = 3;
constexpr int64_t kHeadDim = 20;
constexpr int64_t kCacheBlocks = 2 * kSpanBlocks;

class KvLayout : public testing::TestWithParam<DType> {};

TEST_P(KvLayout, EveryElementHasAPlaceOfItsOwnInTheCache) {
  const DType dtype = GetParam();
  std::vector<int> uses(kCacheBlocks * KvCacheSpec(dtype, kHeads, kHeadDim).shape.row_elements());
  for (int64_t block = 0; block < kCacheBlocks; ++block) {
    for (int64_t head = 0; head < kHeads; ++head) {
      const int64_t keys = KvHeadOffset(dtype, block, head, kHeads, kHeadDim);
      for (const int64_t part : {keys, keys + KvValuesOffset(dtype, kHeadDim)}) {
        for (int64_t i = 0; i < KvPartElements(dtype, kHeadDim); ++i) ++uses.at(part + i);
      }
    }
  }
  for (const int count : uses) ASSERT_EQ(count, 1);
}

TEST_P(KvLayout, AHeadsKeysOfASpanAreOneRunWithTheirValuesBehindIt) {
  const DType dtype = GetParam();
  const int64_t part = KvPartElements(dtype, kHeadDim);
  const int64_t head_begin = KvHeadOffset(dtype, kSpanBlocks, 1, kHeads, kHeadDim);
  for (int64_t i = 0; i < kSpanBlocks; ++i) {
    EXPECT_EQ(KvHeadOffset(dtype, kSpanBlocks + i, 1, kHeads, kHeadDim), head_begin + i * part);
  }
  EXPECT_EQ(KvValuesOffset(dtype, kHeadDim), kSpanBlocks * part);
  EXPECT_EQ(KvHeadOffset(dtype, kSpanBlocks, 2, kHeads, kHeadDim), head_begin + 2 * kSpanBlocks * part);
}

INSTANTIATE_TEST_SUITE_P(EveryDType, KvLayout, testing::Values(DType::kF32, DType::kBF16, DType::kI8),
                         [](const auto& param) { return std::string(Name(param.param)); });

}  // namespace
}  // namespace engine
