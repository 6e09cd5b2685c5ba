#include "core/runtime/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace engine {
namespace {

using ::testing::ElementsAre;

class FairQueueTest : public ::testing::Test {
 protected:
  Sequence& Add(const std::string& tenant, int64_t id, int priority = 0) {
    Sequence& sequence = sequences_.emplace_back();
    sequence.id = id;
    sequence.priority = priority;
    queue_.Add(sequence, tenant);
    return sequence;
  }

  // Each is charged `tokens` as it enters, and ends at once.
  std::vector<int64_t> EnterAll(int tokens) {
    std::vector<int64_t> ids;
    while (Sequence* first = queue_.First()) {
      ids.push_back(first->id);
      queue_.Enter(*first);
      FairQueue::Charge(*first, tokens, 0);
      queue_.Release(*first);
    }
    return ids;
  }

  std::deque<Sequence> sequences_;
  FairQueue queue_;
};

TEST_F(FairQueueTest, OneTenantsSequencesEnterInOrderOfArrival) {
  for (const int id : {1, 2, 3}) Add("a", id);
  EXPECT_THAT(EnterAll(10), ElementsAre(1, 2, 3));
}

TEST_F(FairQueueTest, TenantsTakeTurnsHoweverManyEachHasWaiting) {
  for (const int id : {1, 2, 3, 4, 5}) Add("flood", id);
  for (const int id : {11, 12}) Add("b", id);
  Add("c", 21);
  EXPECT_THAT(EnterAll(10), ElementsAre(1, 11, 21, 2, 12, 3, 4, 5));
}

TEST_F(FairQueueTest, WhoSendsLargeRequestsHasFewerOfThem) {
  Sequence& large = Add("large", 1);
  Add("large", 2);
  for (const int id : {11, 12, 13, 14}) Add("small", id);
  FairQueue::Charge(large, 25, 0);
  EXPECT_THAT(EnterAll(10), ElementsAre(11, 12, 13, 1, 14, 2));
}

TEST_F(FairQueueTest, UrgentOnesEnterBeforeOthersOfTheirTenant) {
  for (const int id : {1, 2}) Add("a", id);
  for (const int id : {3, 4}) Add("a", id, -1);
  for (const int id : {11, 12}) Add("b", id, 5);
  EXPECT_THAT(EnterAll(10), ElementsAre(3, 11, 4, 12, 1, 2));
}

TEST_F(FairQueueTest, UrgentOnesEnterBeforeThoseThatLostTheirBlocks) {
  Sequence& preempted = Add("a", 1);
  queue_.Enter(preempted);
  queue_.PutBack(preempted);
  Add("b", 2);
  Add("b", 3, -1);
  EXPECT_THAT(EnterAll(10), ElementsAre(3, 1, 2));
}

TEST_F(FairQueueTest, WhoLostItsBlocksEntersBeforeThoseThatNeverRan) {
  Sequence& first = Add("a", 1);
  Sequence& second = Add("a", 2);
  queue_.Enter(first);
  queue_.Enter(second);
  FairQueue::Charge(second, 1000, 0);
  Add("b", 3);
  queue_.PutBack(second);
  queue_.PutBack(first);
  EXPECT_THAT(EnterAll(10), ElementsAre(1, 2, 3));
}

TEST_F(FairQueueTest, WhoWasAwayIsOwedNothing) {
  Add("a", 1);
  EXPECT_THAT(EnterAll(1000), ElementsAre(1));
  for (const int id : {2, 3, 4}) Add("a", id);
  for (const int id : {11, 12, 13}) Add("late", id);  // has had nothing yet
  EXPECT_THAT(EnterAll(10), ElementsAre(2, 11, 3, 12, 4, 13));
}

TEST_F(FairQueueTest, WhoComesBackHasNotLostItsDebt) {
  Sequence& served = Add("a", 1);
  for (const int id : {2, 3}) Add("b", id);
  queue_.Enter(served);
  FairQueue::Charge(served, 100, 0);
  queue_.Release(served);
  Add("c", 21);  // what is known of tenants without sequences is looked through for it
  Add("a", 4);
  EXPECT_THAT(EnterAll(60), ElementsAre(2, 21, 3, 4));
}

TEST_F(FairQueueTest, WhoEndsWhileItWaitsLeavesTheOthersInOrder) {
  Add("a", 1);
  Sequence& gone = Add("b", 2);
  Add("b", 3);
  queue_.Erase(gone);
  queue_.Release(gone);
  EXPECT_THAT(EnterAll(10), ElementsAre(1, 3));
}

// As Sheng et al., theorem 4.4: of two tenants that both have something waiting, none is served more than the other by
// more than twice what may be charged after one was chosen. Here that is one request; where several run, all of theirs.
TEST_F(FairQueueTest, ServiceOfTenantsThatWaitDiffersByNoMoreThanTwoRequests) {
  constexpr int kTenants = 5, kLargest = 100;
  std::mt19937 random(7);
  std::vector<int64_t> served(kTenants), waiting(kTenants);
  for (int64_t id = 0; id < 20'000; ++id) {
    for (int t = 0; t < kTenants; ++t) {
      for (; waiting[t] < 1 + t; ++waiting[t]) Add(std::to_string(t), t);  // at all times, the last one the most
    }
    Sequence& first = *queue_.First();
    const int tokens = 1 + static_cast<int>(random() % (first.id == 0 ? kLargest : 10));
    queue_.Enter(first);
    FairQueue::Charge(first, tokens, 0);
    queue_.Release(first);
    --waiting[first.id];
    served[first.id] += tokens;
    const auto [least, most] = std::ranges::minmax(served);
    ASSERT_LE(most - least, 2 * kLargest);
  }
}

}  // namespace
}  // namespace engine
