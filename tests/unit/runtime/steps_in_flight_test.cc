// Two steps in flight: a step is planned before the one before it is read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/runtime/scheduler.h"
#include "tests/unit/runtime/scheduler_builders.h"

namespace engine {
namespace {

constexpr int32_t kEos = 2;
constexpr int32_t kWord = 7;

SchedulerConfig TwoSteps() {
  SchedulerConfig config = SmallConfig();
  config.max_steps_in_flight = 2;
  return config;
}

TEST(StepsInFlight, TheNextInputIsARowOfTheStepBefore) {
  Scheduler scheduler = MakeScheduler(TwoSteps(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 10, 100)).ok());
  ASSERT_TRUE(scheduler.Add(MakeRequest(2, 10, 300)).ok());
  StepPlan first = *scheduler.Next();
  StepPlan second = *scheduler.Next();
  ASSERT_EQ(second.tokens.size(), 2u);
  EXPECT_EQ(second.tokens[0].row, 0);
  EXPECT_EQ(second.tokens[1].row, 1);
  EXPECT_EQ(second.sequences[0].first_position, 10);
  EXPECT_EQ(second.rows[0].position, 11);
  EXPECT_FALSE(scheduler.Next().has_value());
  EXPECT_TRUE(scheduler.CheckInvariants().ok()) << scheduler.CheckInvariants();
}

TEST(StepsInFlight, AChunkFollowsAChunkWithoutACommit) {
  Scheduler scheduler = MakeScheduler(TwoSteps(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 100)).ok());
  StepPlan first = *scheduler.Next();
  StepPlan second = *scheduler.Next();
  EXPECT_EQ(second.sequences[0].first_position, 64);
  EXPECT_EQ(second.tokens[0].row, TokenInput::kKnown);
  EXPECT_EQ(second.tokens[0].id, 1064);
}

TEST(StepsInFlight, APenalisedSequenceWaitsForItsTokenAndReadsItAsAnId) {
  Scheduler scheduler = MakeScheduler(TwoSteps(), 16);
  Request request = MakeRequest(1, 10);
  request.params.frequency_penalty = 0.5f;
  ASSERT_TRUE(scheduler.Add(request).ok());
  StepPlan first = *scheduler.Next();
  EXPECT_FALSE(scheduler.Next().has_value());  // penalties count the token that is not known yet
  CommitAll(scheduler, std::move(first), kWord);
  const StepPlan second = *scheduler.Next();
  EXPECT_EQ(second.tokens[0].row, TokenInput::kKnown);
  EXPECT_EQ(second.tokens[0].id, kWord);
}

TEST(StepsInFlight, AConstrainedSequenceWaitsForItsToken) {
  Scheduler scheduler = MakeScheduler(TwoSteps(), 16);
  Request request = MakeRequest(1, 10);
  request.constrained = true;
  ASSERT_TRUE(scheduler.Add(request).ok());
  const StepPlan first = *scheduler.Next();
  EXPECT_FALSE(scheduler.Next().has_value());
}

TEST(StepsInFlight, TheStepBehindAStopTokenIsDiscarded) {
  Scheduler scheduler = MakeScheduler(TwoSteps(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 40)).ok());
  StepPlan first = *scheduler.Next();
  StepPlan second = *scheduler.Next();
  EXPECT_EQ(CommitAll(scheduler, std::move(first), kEos)[0].reason, FinishReason::kStop);
  EXPECT_EQ(scheduler.blocks().group(0).num_owned(), 2);  // the second step still writes them
  EXPECT_TRUE(scheduler.CheckInvariants().ok()) << scheduler.CheckInvariants();
  EXPECT_FALSE(scheduler.Next().has_value());
  EXPECT_TRUE(CommitAll(scheduler, std::move(second), kWord).empty());
  EXPECT_FALSE(scheduler.has_sequences());
  EXPECT_EQ(scheduler.blocks().group(0).num_owned(), 0);
}

TEST(StepsInFlight, NoStepIsPlannedBehindTheLastToken) {
  Scheduler scheduler = MakeScheduler(TwoSteps(), 16);
  Request request = MakeRequest(1, 10);
  request.params.max_tokens = 1;
  ASSERT_TRUE(scheduler.Add(request).ok());
  const StepPlan only = *scheduler.Next();
  EXPECT_FALSE(scheduler.Next().has_value());
}

TEST(StepsInFlight, ACancelledSequenceKeepsItsBlocksUntilItsLastStepIsCommitted) {
  Scheduler scheduler = MakeScheduler(TwoSteps(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 10)).ok());
  StepPlan first = *scheduler.Next();
  StepPlan second = *scheduler.Next();
  EXPECT_TRUE(scheduler.Cancel(1));
  EXPECT_FALSE(scheduler.Cancel(1));
  EXPECT_EQ(scheduler.blocks().group(0).num_owned(), 1);
  EXPECT_TRUE(CommitAll(scheduler, std::move(first), kWord).empty());
  EXPECT_EQ(scheduler.blocks().group(0).num_owned(), 1);
  EXPECT_TRUE(CommitAll(scheduler, std::move(second), kWord).empty());
  EXPECT_EQ(scheduler.blocks().group(0).num_owned(), 0);
}

TEST(StepsInFlight, ACancelledSequenceOutsideAnyStepIsReleasedAtOnce) {
  Scheduler scheduler = MakeScheduler(TwoSteps(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 10)).ok());
  Step(scheduler, kWord);
  EXPECT_TRUE(scheduler.Cancel(1));
  EXPECT_FALSE(scheduler.has_sequences());
  EXPECT_EQ(scheduler.blocks().group(0).num_owned(), 0);
}

TEST(StepsInFlight, PlansCommittedOutOfOrderAreABug) {
  Scheduler scheduler = MakeScheduler(TwoSteps(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 10)).ok());
  const StepPlan first = *scheduler.Next();
  StepPlan second = *scheduler.Next();
  EXPECT_DEATH(CommitAll(scheduler, std::move(second), kWord), "next_commit_");
}

TEST(StepsInFlight, AWindowBlockIsHeldUntilTheStepThatSeesItIsCommitted) {
  SchedulerConfig config = TwoSteps();
  config.max_num_batched_tokens = 32;
  const std::vector<CacheGroup> groups = {WindowGroup(8)};
  Scheduler scheduler = *Scheduler::Create(config, groups, std::vector{4});
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 100)).ok());
  StepPlan first = *scheduler.Next();
  StepPlan second = *scheduler.Next();
  CommitAll(scheduler, std::move(first), kWord);
  EXPECT_NE(scheduler.Find(1)->blocks.tables[0][0], kNullBlock);
  CommitAll(scheduler, std::move(second), kWord);
  EXPECT_EQ(scheduler.Find(1)->blocks.tables[0][0], kNullBlock);
}

}  // namespace
}  // namespace engine
