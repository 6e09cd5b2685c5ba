// What happens when blocks run out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/runtime/scheduler.h"
#include "tests/unit/runtime/scheduler_builders.h"

namespace engine {
namespace {

constexpr int32_t kWord = 7;

Request BoundedRequest(int64_t id, int prompt_tokens, int max_tokens) {
  Request request = MakeRequest(id, prompt_tokens, static_cast<int32_t>(1000 * id));
  request.params.max_tokens = max_tokens;
  return request;
}

// Two sequences fill a pool of four blocks; the next token of the first needs a fifth.
Scheduler TwoSequencesInAFullPool() {
  SchedulerConfig config = SmallConfig();
  config.max_num_batched_tokens = 128;
  Scheduler scheduler = MakeScheduler(config, 4);
  for (int id = 1; id <= 2; ++id) EXPECT_TRUE(scheduler.Add(BoundedRequest(id, 64, 20)).ok());
  Step(scheduler, kWord);
  return scheduler;
}

TEST(Preemption, TheLastArrivedLosesItsBlocksAndKeepsItsTokens) {
  Scheduler scheduler = TwoSequencesInAFullPool();
  StepPlan plan = *scheduler.Next();
  ASSERT_EQ(plan.sequences.size(), 1u);
  EXPECT_EQ(plan.sequences[0].id, 1);
  EXPECT_EQ(scheduler.Find(2)->status, SequenceStatus::kWaiting);
  EXPECT_EQ(scheduler.Find(2)->known(), 65);
  EXPECT_EQ(scheduler.Find(2)->computed, 0);
  EXPECT_EQ(scheduler.stats().preemptions, 1);
  EXPECT_TRUE(scheduler.CheckInvariants().ok()) << scheduler.CheckInvariants();
}

TEST(Preemption, TheLeastUrgentGivesWayEvenIfItCameFirst) {
  SchedulerConfig config = SmallConfig();
  config.max_num_batched_tokens = 128;
  Scheduler scheduler = MakeScheduler(config, 4);
  for (const auto& [id, priority] : {std::pair{1, 5}, std::pair{2, 0}}) {
    Request request = BoundedRequest(id, 64, 20);
    request.priority = priority;
    ASSERT_TRUE(scheduler.Add(request).ok());
  }
  Step(scheduler, kWord);
  Step(scheduler, kWord);
  EXPECT_EQ(scheduler.Find(1)->status, SequenceStatus::kWaiting);
  EXPECT_EQ(scheduler.Find(2)->status, SequenceStatus::kRunning);
}

TEST(Preemption, APreemptedSequenceRunsBeforeLaterArrivals) {
  Scheduler scheduler = TwoSequencesInAFullPool();
  ASSERT_TRUE(scheduler.Add(BoundedRequest(3, 4, 5)).ok());  // would fit at once
  std::vector<int64_t> first_seen;
  while (first_seen.size() < 2) {
    for (const SequenceEvent& event : Step(scheduler, kWord)) {
      const bool is_new = std::ranges::find(first_seen, event.sequence_id) == first_seen.end();
      if (event.sequence_id != 1 && is_new) first_seen.push_back(event.sequence_id);
    }
  }
  EXPECT_THAT(first_seen, ::testing::ElementsAre(2, 3));
}

TEST(Preemption, ThePreemptedSequenceEndsWithAllItsTokens) {
  Scheduler scheduler = TwoSequencesInAFullPool();
  int tokens_of_second = 1;
  while (scheduler.has_sequences()) {
    for (const SequenceEvent& event : Step(scheduler, kWord)) tokens_of_second += event.sequence_id == 2;
    ASSERT_TRUE(scheduler.CheckInvariants().ok()) << scheduler.CheckInvariants();
  }
  EXPECT_EQ(tokens_of_second, 20);
  EXPECT_GE(scheduler.stats().preemptions, 1);
}

TEST(Preemption, APromptWaitsUntilAllOfItFits) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 4);
  ASSERT_TRUE(scheduler.Add(BoundedRequest(1, 60, 3)).ok());
  ASSERT_TRUE(scheduler.Add(BoundedRequest(2, 90, 3)).ok());  // needs 3 blocks; 2 are left
  Step(scheduler, kWord);
  EXPECT_EQ(scheduler.num_running(), 1);
  Step(scheduler, kWord);
  Step(scheduler, kWord);
  Step(scheduler, kWord);
  EXPECT_EQ(scheduler.Find(2)->computed, 64);
  EXPECT_EQ(scheduler.stats().preemptions, 0);
}

TEST(Preemption, NobodyEntersWhileARunningSequenceLacksBlocks) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 6);
  ASSERT_TRUE(scheduler.Add(BoundedRequest(1, 32, 20)).ok());
  ASSERT_TRUE(scheduler.Add(BoundedRequest(2, 160, 3)).ok());
  Step(scheduler, kWord);
  Step(scheduler, kWord);
  EXPECT_EQ(scheduler.blocks().group(0).num_available(), 1);  // the prompt's next chunk needs two
  ASSERT_TRUE(scheduler.Add(BoundedRequest(3, 4, 3)).ok());
  Step(scheduler, kWord);
  EXPECT_EQ(scheduler.num_running(), 2);
  EXPECT_EQ(scheduler.Find(3)->status, SequenceStatus::kWaiting);
}

TEST(Preemption, AVictimInASubmittedStepIsLeftUntilItsCommit) {
  SchedulerConfig config = SmallConfig();
  config.max_num_batched_tokens = 128;
  config.max_steps_in_flight = 2;
  Scheduler scheduler = MakeScheduler(config, 4);
  ASSERT_TRUE(scheduler.Add(BoundedRequest(1, 64, 20)).ok());
  ASSERT_TRUE(scheduler.Add(BoundedRequest(2, 60, 20)).ok());
  StepPlan first_step = *scheduler.Next();
  EXPECT_FALSE(scheduler.Next().has_value());  // 1 lacks a block, 2 still writes its own and must not take more
  EXPECT_EQ(scheduler.num_running(), 2);
  CommitAll(scheduler, std::move(first_step), kWord);
  StepPlan second_step = *scheduler.Next();
  EXPECT_EQ(scheduler.Find(2)->status, SequenceStatus::kWaiting);
  EXPECT_TRUE(scheduler.CheckInvariants().ok()) << scheduler.CheckInvariants();
}

// Memory for eight blocks, what one sequence can need at most, and none for the other eight of the pool.
TEST(Preemption, WhereMemoryIsShortSequencesWaitAndNoneIsLost) {
  int refusals = 0;
  const BackBlocks back = [&refusals](int, int blocks) {
    refusals += blocks > 8;
    return 8;
  };
  SchedulerConfig config = SmallConfig();
  config.max_num_batched_tokens = 128;
  Scheduler scheduler = *Scheduler::Create(config, std::vector{PagedGroup()}, std::vector{16}, back);
  for (int id = 1; id <= 4; ++id) ASSERT_TRUE(scheduler.Add(BoundedRequest(id, 60, 100)).ok());
  std::map<int64_t, int> tokens;
  while (scheduler.has_sequences()) {
    for (const SequenceEvent& event : Step(scheduler, kWord)) ++tokens[event.sequence_id];
    ASSERT_TRUE(scheduler.CheckInvariants().ok()) << scheduler.CheckInvariants();
  }
  for (int id = 1; id <= 4; ++id) EXPECT_EQ(tokens[id], 100) << id;
  EXPECT_GT(scheduler.stats().preemptions, 0);
  EXPECT_GT(refusals, 0);
  EXPECT_LT(refusals, 40) << "it is not asked for in every step";
}

}  // namespace
}  // namespace engine
