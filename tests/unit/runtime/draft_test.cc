// Drafted tokens in a step: how they are planned, verified and forgotten.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/runtime/scheduler.h"
#include "tests/unit/runtime/scheduler_builders.h"

namespace engine {
namespace {

using ::testing::ElementsAre;

constexpr int32_t kEos = 2;

Request DraftingRequest(int64_t id, int prompt_tokens) {
  Request request = MakeRequest(id, prompt_tokens);
  request.max_draft = Draft::kMaxTokens;
  return request;
}

Draft MakeDraft(const std::vector<int32_t>& tokens) {
  Draft draft = {.size = static_cast<int>(tokens.size()), .verify = static_cast<int>(tokens.size())};
  std::ranges::copy(tokens, draft.tokens.begin());
  return draft;
}

// A scheduler whose only sequence, number 1, has been read and has got token 7.
Scheduler MakeDecoding(const Request& request, const SchedulerConfig& config = SmallConfig(), int num_blocks = 16) {
  Scheduler scheduler = MakeScheduler(config, num_blocks);
  EXPECT_TRUE(scheduler.Add(request).ok());
  Step(scheduler, 7);
  return scheduler;
}

std::vector<int32_t> Commit(Scheduler& scheduler, StepPlan plan, const std::vector<int32_t>& drawn) {
  std::vector<RowResult> rows;
  for (const int32_t token : drawn) rows.push_back({.token = token, .valid = token >= 0});
  std::vector<int32_t> tokens;
  for (const SequenceEvent& event : scheduler.Commit(std::move(plan), {.rows = rows})) {
    tokens.push_back(event.kind == SequenceEvent::Kind::kToken ? event.sampled.token : -1);
  }
  EXPECT_TRUE(scheduler.CheckInvariants().ok()) << scheduler.CheckInvariants();
  return tokens;
}

std::vector<int32_t> Ids(const StepPlan& plan) {
  std::vector<int32_t> ids;
  for (const TokenInput& input : plan.tokens) ids.push_back(input.id);
  return ids;
}

TEST(Drafting, AStepHasARowForTheNextTokenAndOneBehindEachDraftedToken) {
  Request request = DraftingRequest(1, 10);
  request.params.min_tokens = 3;
  Scheduler scheduler = MakeDecoding(request);
  scheduler.SetDraft(*scheduler.Find(1), MakeDraft({20, 21}));
  const StepPlan plan = *scheduler.Next();
  EXPECT_THAT(Ids(plan), ElementsAre(7, 20, 21));
  ASSERT_EQ(plan.rows.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(plan.rows[i].input, i);
    EXPECT_EQ(plan.rows[i].position, 11 + i);
    EXPECT_EQ(plan.rows[i].mask_stops, i < 2) << "tokens 2 and 3 of the answer must not end it";
  }
  EXPECT_EQ(plan.extents.decode_sequences, 0);
  EXPECT_EQ(plan.extents.max_context, 13);
}

TEST(Drafting, TokensAreAcceptedWhileTheyAreWhatIsDrawn) {
  Scheduler scheduler = MakeDecoding(DraftingRequest(1, 10));
  scheduler.SetDraft(*scheduler.Find(1), MakeDraft({20, 21, 22}));
  EXPECT_THAT(Commit(scheduler, *scheduler.Next(), {20, 21, 30, 31}), ElementsAre(20, 21, 30));
  const Sequence& sequence = *scheduler.Find(1);
  EXPECT_EQ(sequence.known(), 14);
  EXPECT_EQ(sequence.computed, 13);  // of the last token, K and V are not stored: the draft had another one there
  EXPECT_EQ(sequence.drafted_tokens, 3);
  EXPECT_EQ(sequence.accepted_tokens, 2);
  EXPECT_THAT(Ids(*scheduler.Next()), ElementsAre(30)) << "the draft is used up";
}

TEST(Drafting, AWholeRightDraftGivesOneTokenMoreThanItHas) {
  Scheduler scheduler = MakeDecoding(DraftingRequest(1, 10));
  scheduler.SetDraft(*scheduler.Find(1), MakeDraft({20, 21}));
  EXPECT_THAT(Commit(scheduler, *scheduler.Next(), {20, 21, 22}), ElementsAre(20, 21, 22));
}

TEST(Drafting, NothingCountsBehindAStopTokenOrTheLastToken) {
  Scheduler scheduler = MakeDecoding(DraftingRequest(1, 10));
  scheduler.SetDraft(*scheduler.Find(1), MakeDraft({20, kEos, 21}));
  EXPECT_THAT(Commit(scheduler, *scheduler.Next(), {20, kEos, 21, 22}), ElementsAre(20, kEos));
  EXPECT_FALSE(scheduler.has_sequences());
}

TEST(Drafting, ADraftEndsWhereTheAnswerMustEnd) {
  Request request = DraftingRequest(1, 10);
  request.params.max_tokens = 3;
  Scheduler scheduler = MakeDecoding(request);
  scheduler.SetDraft(*scheduler.Find(1), MakeDraft({20, 21, 22, 23}));
  EXPECT_THAT(Ids(*scheduler.Next()), ElementsAre(7, 20));  // two tokens are left, one row for each
}

TEST(Drafting, LogitsBehindAWrongGuessMayBeAnything) {
  Scheduler scheduler = MakeDecoding(DraftingRequest(1, 10));
  scheduler.SetDraft(*scheduler.Find(1), MakeDraft({20, 21}));
  EXPECT_THAT(Commit(scheduler, *scheduler.Next(), {30, -1, -1}), ElementsAre(30));
  scheduler.SetDraft(*scheduler.Find(1), MakeDraft({20, 21}));
  EXPECT_THAT(Commit(scheduler, *scheduler.Next(), {20, -1, 22}), ElementsAre(20, -1)) << "behind a right one it fails";
  EXPECT_FALSE(scheduler.has_sequences());
}

TEST(Drafting, WrongTokensNeverEnterThePrefixIndex) {
  Scheduler scheduler = MakeDecoding(DraftingRequest(1, 30));
  scheduler.SetDraft(*scheduler.Find(1), MakeDraft({20, 21, 22, 23}));  // up to position 34, into the second block
  Commit(scheduler, *scheduler.Next(), {30, 31, 32, 33, 34});
  EXPECT_EQ(scheduler.Find(1)->blocks.num_indexed, 0);
  scheduler.SetDraft(*scheduler.Find(1), MakeDraft({40}));
  Commit(scheduler, *scheduler.Next(), {40, 41});  // writes over what the wrong guess left at position 31
  EXPECT_EQ(scheduler.Find(1)->blocks.num_indexed, 1);
}

TEST(Drafting, NobodyIsPreemptedForADraft) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 2);
  Request request = DraftingRequest(1, 30);
  request.params.max_tokens = 20;
  ASSERT_TRUE(scheduler.Add(request).ok());
  Request short_request = MakeRequest(2, 10, 500);
  short_request.params.max_tokens = 5;
  ASSERT_TRUE(scheduler.Add(short_request).ok());
  Step(scheduler, 7);
  scheduler.SetDraft(*scheduler.Find(1), MakeDraft({20, 21, 22, 23}));
  EXPECT_THAT(Ids(*scheduler.Next()), ElementsAre(7, 7, 20)) << "the draft is cut to the block there is";
  EXPECT_EQ(scheduler.stats().preemptions, 0);
}

TEST(Drafting, DraftsLeaveTokensAndRowsForThoseBehind) {
  SchedulerConfig config = SmallConfig();
  config.max_sampled = 6;
  Scheduler scheduler = MakeScheduler(config, 16);
  for (int id = 1; id <= 3; ++id) ASSERT_TRUE(scheduler.Add(DraftingRequest(id, 10)).ok());
  Step(scheduler, 7);
  for (int id = 1; id <= 3; ++id) scheduler.SetDraft(*scheduler.Find(id), MakeDraft({20, 21}));
  const StepPlan plan = *scheduler.Next();
  EXPECT_THAT(Ids(plan),
              ElementsAre(7, 7, 20, 21, 7, 20));  // a sequence of one token first, rows for two and one drafts
  EXPECT_EQ(plan.sequences[0].id, 3);
}

TEST(Drafting, WhatIsNotVerifiedStillTeaches) {
  Scheduler scheduler = MakeDecoding(DraftingRequest(1, 10));
  Draft draft = MakeDraft({20});
  draft.verify = 0;
  draft.evidence[0] = 5;
  scheduler.SetDraft(*scheduler.Find(1), draft);
  const StepPlan plan = *scheduler.Next();
  EXPECT_THAT(Ids(plan), ElementsAre(7));
  CommitAll(scheduler, plan, 20);
  EXPECT_GT(scheduler.Find(1)->draft_record.ChanceOf(5, 0.5f), 0.5f);
  EXPECT_EQ(scheduler.Find(1)->draft_record.ChanceOf(4, 0.5f), 0.5f);
  EXPECT_EQ(scheduler.stats().drafted_tokens, 0);
}

TEST(Drafting, NothingIsPlannedBehindADraftBeforeItsCommit) {
  SchedulerConfig config = SmallConfig();
  config.max_steps_in_flight = 2;
  Scheduler scheduler = MakeDecoding(DraftingRequest(1, 10), config);
  scheduler.SetDraft(*scheduler.Find(1), MakeDraft({20}));
  StepPlan plan = *scheduler.Next();
  EXPECT_FALSE(scheduler.Next().has_value());
  EXPECT_FALSE(Scheduler::TakesDraft(*scheduler.Find(1)));
  EXPECT_THAT(Commit(scheduler, std::move(plan), {20, 21}), ElementsAre(20, 21));
  EXPECT_TRUE(Scheduler::TakesDraft(*scheduler.Find(1)));
}

TEST(Drafting, OnlyASequenceWhoseLastTokenIsKnownTakesADraft) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  Request constrained = DraftingRequest(2, 10);
  constrained.constrained = true;
  for (const Request& request : {DraftingRequest(1, 100), constrained, MakeRequest(3, 10)}) {
    ASSERT_TRUE(scheduler.Add(request).ok());
  }
  EXPECT_FALSE(Scheduler::TakesDraft(*scheduler.Find(1))) << "it waits";
  Step(scheduler, 7);
  EXPECT_FALSE(Scheduler::TakesDraft(*scheduler.Find(1))) << "its prompt is read";
  Step(scheduler, 7);
  EXPECT_TRUE(Scheduler::TakesDraft(*scheduler.Find(1)));
  EXPECT_TRUE(Scheduler::TakesDraft(*scheduler.Find(2))) << "its grammar checks drafts";
  EXPECT_FALSE(Scheduler::TakesDraft(*scheduler.Find(3))) << "it asks for none";
}

}  // namespace
}  // namespace engine
