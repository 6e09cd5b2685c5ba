#include "benchmarks/attention_work.h"

#include "gtest/gtest.h"
#include "ops/kv_layout.h"

namespace engine {
namespace {

constexpr PagedAttention kAttention = {.heads = 4, .kv_heads = 2, .head_dim = 8};
constexpr int64_t kOperationsPerPosition = 4 * 4 * 8;  // two products of 8 multiply-adds, 4 heads
constexpr int64_t kBytesPerPosition = 2 * 2 * 8 * 2;   // K and V of 2 heads of 8 in bf16

Cost Work(int window, int64_t first_position, int64_t num_tokens) {
  PagedAttention attention = kAttention;
  attention.window = window;
  return AttentionWork(attention, KvCacheSpec(DType::kBF16, 2, 8), first_position, num_tokens);
}

TEST(AttentionWork, CountsForEachTokenThePositionsUpToItsOwn) {
  EXPECT_EQ(Work(0, 0, 4).operations, (1 + 2 + 3 + 4) * kOperationsPerPosition);
  EXPECT_EQ(Work(0, 9, 1).operations, 10 * kOperationsPerPosition);
}

TEST(AttentionWork, ReadsTheContextOncePerStep) {
  EXPECT_EQ(Work(0, 0, 4).bytes, 4 * kBytesPerPosition);
  EXPECT_EQ(Work(0, 9, 1).bytes, 10 * kBytesPerPosition);
}

TEST(AttentionWork, StopsAtTheWindow) {
  EXPECT_EQ(Work(3, 0, 4).operations, (1 + 2 + 3 + 3) * kOperationsPerPosition);
  EXPECT_EQ(Work(3, 9, 1).bytes, 3 * kBytesPerPosition);
  EXPECT_EQ(Work(3, 9, 2).bytes, 4 * kBytesPerPosition);
}

TEST(AttentionWork, OfChunksIsThatOfThePrompt) {
  for (const int window : {0, 5}) {
    EXPECT_EQ(Work(window, 0, 7).operations + Work(window, 7, 13).operations, Work(window, 0, 20).operations);
  }
}

}  // namespace
}  // namespace engine
