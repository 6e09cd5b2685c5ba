#include "core/runtime/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/runtime/scheduler_builders.h"

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int32_t kEos = 2;
constexpr int32_t kWord = 7;

std::string Refusal(const absl::Status& status) { return std::string(Message(status)); }

std::vector<int64_t> Ids(const StepPlan& plan) {
  std::vector<int64_t> ids;
  for (const ScheduledSequence& part : plan.sequences) ids.push_back(part.id);
  return ids;
}

TEST(Scheduler, APromptIsReadInChunksOfTheTokenBudget) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 8);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 150)).ok());
  for (const int chunk : {64, 64, 22}) {
    StepPlan plan = *scheduler.Next();
    EXPECT_EQ(plan.extents.tokens, chunk);
    EXPECT_EQ(plan.extents.sampled, chunk == 22 ? 1 : 0);
    CommitAll(scheduler, std::move(plan), kWord);
  }
  EXPECT_EQ(scheduler.Find(1)->known(), 151);
  EXPECT_EQ(scheduler.Find(1)->computed, 150);
}

// 1 decodes; 2, more urgent, is to be read.
void AddPromptBeforeDecode(Scheduler& scheduler) {
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 10, 100)).ok());
  Step(scheduler, kWord);
  Request urgent = MakeRequest(2, 100, 300);
  urgent.priority = -1;
  ASSERT_TRUE(scheduler.Add(urgent).ok());
}

TEST(Scheduler, DecodingSequencesComeFirstAndKeepTheirTokenOfTheBudget) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  AddPromptBeforeDecode(scheduler);
  StepPlan plan = *scheduler.Next();
  EXPECT_EQ(plan.extents.tokens, 64);
  CommitAll(scheduler, std::move(plan), kWord);
  plan = *scheduler.Next();  // the urgent prompt comes first in order, the decode first in the plan
  EXPECT_THAT(Ids(plan), ElementsAre(1, 2));
  EXPECT_EQ(plan.extents.decode_sequences, 1);
  EXPECT_EQ(plan.extents.max_query, 37);
  EXPECT_EQ(plan.extents.max_context, 100);
  EXPECT_EQ(plan.extents.tokens, 38);
}

TEST(Scheduler, PromptsAreReadInChunksOfTheirLimitWhileOthersDecode) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  Request first = MakeRequest(1, 100);
  first.params.max_tokens = 5;
  ASSERT_TRUE(scheduler.Add(first).ok());
  for (const int chunk : {64, 36}) {  // nobody waits for a token yet
    StepPlan plan = *scheduler.Next(8);
    EXPECT_EQ(plan.extents.tokens, chunk);
    CommitAll(scheduler, std::move(plan), kWord);
  }
  ASSERT_TRUE(scheduler.Add(MakeRequest(2, 120, 2000)).ok());
  ASSERT_TRUE(scheduler.Add(MakeRequest(3, 30, 3000)).ok());
  for (int step = 0; step < 4; ++step) {
    StepPlan plan = *scheduler.Next(8);
    EXPECT_EQ(plan.extents.tokens, 9);
    EXPECT_THAT(Ids(plan), ElementsAre(1, 2)) << "one decodes, one reads, one waits";
    CommitAll(scheduler, std::move(plan), kWord);
  }
  EXPECT_EQ(scheduler.Find(1), nullptr);
  EXPECT_EQ(scheduler.Next(8)->extents.tokens, 64) << "nobody is left to wait for a token";
}

TEST(Scheduler, APromptInFrontAdvancesHoweverLittleOfAStepPromptsMayTake) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  AddPromptBeforeDecode(scheduler);
  for (int read = 1; read <= 3; ++read) {
    CommitAll(scheduler, *scheduler.Next(0), kWord);
    EXPECT_EQ(scheduler.Find(2)->computed, read);
  }
}

TEST(Scheduler, EveryRowNamesItsInputSequenceAndPosition) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 10, 100)).ok());
  ASSERT_TRUE(scheduler.Add(MakeRequest(2, 20, 300)).ok());
  StepPlan plan = *scheduler.Next();
  ASSERT_EQ(plan.rows.size(), 2u);
  EXPECT_EQ(plan.tokens[plan.rows[1].input].id, 319);
  EXPECT_EQ(plan.sequences[plan.rows[1].sequence].id, 2);
  EXPECT_EQ(plan.rows[1].position, 20);
  EXPECT_EQ(plan.sequences[1].first_input, 10);
}

TEST(Scheduler, APromptThatFillsTheContextIsRefused) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  EXPECT_THAT(Refusal(scheduler.Add(MakeRequest(1, 256))), HasSubstr("the prompt has 256 tokens"));
  EXPECT_TRUE(scheduler.Add(MakeRequest(2, 255)).ok());
  EXPECT_FALSE(scheduler.Add(MakeRequest(3, 0)).ok());
}

TEST(Scheduler, ARequestThatCanNeverFitIsRefusedWithTheNumbers) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 3);
  Request request = MakeRequest(1, 90);
  request.params.max_tokens = 8;
  const absl::Status refused = scheduler.Add(request);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Refusal(refused), HasSubstr("90 prompt tokens and up to 8 new ones need 4 blocks"));
  request.params.max_tokens = 7;  // the last token is never computed: 96 fit in 3 blocks
  EXPECT_TRUE(scheduler.Add(request).ok());
}

TEST(Scheduler, AnIdInUseIsRefused) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 5)).ok());
  EXPECT_FALSE(scheduler.Add(MakeRequest(1, 5)).ok());
}

TEST(Scheduler, UrgentRequestsEnterFirstAndEqualOnesInOrder) {
  SchedulerConfig config = SmallConfig();
  config.max_num_seqs = 1;
  Scheduler scheduler = MakeScheduler(config, 16);
  for (const auto& [id, priority] : {std::pair{1, 0}, std::pair{2, 0}, std::pair{3, -1}}) {
    Request request = MakeRequest(id, 5);
    request.priority = priority;
    request.params.max_tokens = 1;
    ASSERT_TRUE(scheduler.Add(request).ok());
  }
  std::vector<int64_t> order;
  while (scheduler.has_sequences()) order.push_back(Step(scheduler, kWord)[0].sequence_id);
  EXPECT_THAT(order, ElementsAre(3, 1, 2));
}

TEST(Scheduler, ATenantThatFloodsTheQueueDelaysItselfAlone) {
  SchedulerConfig config = SmallConfig();
  config.max_num_seqs = 2;
  Scheduler scheduler = MakeScheduler(config, 64);
  const auto add = [&](int64_t id, const char* tenant) {
    Request request = MakeRequest(id, 5, static_cast<int32_t>(1000 * id));
    request.tenant = tenant;
    request.params.max_tokens = 4;
    ASSERT_TRUE(scheduler.Add(request).ok());
  };
  for (int64_t id = 1; id <= 6; ++id) add(id, "flood");
  Step(scheduler, kWord);
  for (int64_t id = 11; id <= 12; ++id) add(id, "other");
  std::vector<int64_t> ended;
  while (scheduler.has_sequences()) {
    for (const SequenceEvent& event : Step(scheduler, kWord)) {
      if (event.reason != FinishReason::kNone) ended.push_back(event.sequence_id);
    }
    ASSERT_TRUE(scheduler.CheckInvariants().ok()) << scheduler.CheckInvariants();
  }
  EXPECT_THAT(ended, ElementsAre(1, 2, 11, 12, 3, 4, 5, 6));
}

TEST(Scheduler, AnEosTokenEndsASequenceAndReleasesIt) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 5)).ok());
  EXPECT_EQ(Step(scheduler, kWord)[0].reason, FinishReason::kNone);
  const std::vector<SequenceEvent> events = Step(scheduler, kEos);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].reason, FinishReason::kStop);
  EXPECT_EQ(events[0].sampled.token, kEos);
  EXPECT_FALSE(scheduler.has_sequences());
  EXPECT_EQ(scheduler.blocks().group(0).num_free(), 16);
}

TEST(Scheduler, AnIgnoredEosEndsNothingButOwnStopTokensDo) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  Request request = MakeRequest(1, 5);
  request.params.ignore_eos = true;
  request.params.stop_token_ids = {9};
  ASSERT_TRUE(scheduler.Add(request).ok());
  EXPECT_EQ(Step(scheduler, kEos)[0].reason, FinishReason::kNone);
  EXPECT_EQ(Step(scheduler, 9)[0].reason, FinishReason::kStop);
}

TEST(Scheduler, StopTokensAreMaskedUntilMinTokensAreThere) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  Request request = MakeRequest(1, 5);
  request.params.min_tokens = 2;
  ASSERT_TRUE(scheduler.Add(request).ok());
  for (const bool masked : {true, true, false}) {
    StepPlan plan = *scheduler.Next();
    EXPECT_EQ(plan.rows[0].mask_stops, masked);
    CommitAll(scheduler, std::move(plan), kEos);  // even if the sampler drew it
  }
  EXPECT_FALSE(scheduler.has_sequences());
}

TEST(Scheduler, MaxTokensAndAFullContextEndASequenceByLength) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  Request bounded = MakeRequest(1, 5);
  bounded.params.max_tokens = 1;
  ASSERT_TRUE(scheduler.Add(bounded).ok());
  ASSERT_TRUE(scheduler.Add(MakeRequest(2, 50)).ok());
  EXPECT_EQ(Step(scheduler, kWord)[0].reason, FinishReason::kLength);
  int generated = 1;
  while (scheduler.has_sequences()) generated += static_cast<int>(Step(scheduler, kWord).size());
  EXPECT_EQ(generated, 256 - 50);
}

TEST(Scheduler, ThePrefixOfAnEarlierRequestIsNotComputedAgain) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 40)).ok());
  Step(scheduler, kEos);
  ASSERT_TRUE(scheduler.Add(MakeRequest(2, 50)).ok());
  StepPlan plan = *scheduler.Next();
  EXPECT_EQ(plan.sequences[0].first_position, 32);
  EXPECT_EQ(plan.extents.tokens, 18);
  EXPECT_EQ(CommitAll(scheduler, std::move(plan), kWord)[0].cached_tokens, 32);
  EXPECT_EQ(scheduler.stats().prompt_tokens_cached, 32);
  EXPECT_EQ(scheduler.stats().prompt_tokens_queried, 90);
}

TEST(Scheduler, NonFiniteLogitsFailTheirSequenceAloneAndLeaveNothingCached) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 32, 100)).ok());
  ASSERT_TRUE(scheduler.Add(MakeRequest(2, 10, 300)).ok());
  StepPlan plan = *scheduler.Next();
  std::vector<RowResult> rows = AllDraw(plan, kWord);
  rows[0].valid = false;
  const auto events = scheduler.Commit(std::move(plan), {.rows = rows});
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, SequenceEvent::Kind::kFailed);
  EXPECT_EQ(events[0].reason, FinishReason::kError);
  EXPECT_EQ(events[1].reason, FinishReason::kNone);
  EXPECT_EQ(scheduler.blocks().group(0).num_cached(), 0);
  EXPECT_TRUE(scheduler.CheckInvariants().ok()) << scheduler.CheckInvariants();
}

TEST(Scheduler, AFailedStepEndsItsSequencesAndReleasesThem) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 40)).ok());
  const auto events = scheduler.Abandon(*scheduler.Next());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].reason, FinishReason::kError);
  EXPECT_FALSE(scheduler.has_sequences());
  EXPECT_EQ(scheduler.blocks().group(0).num_free(), 16);
  EXPECT_TRUE(scheduler.CheckInvariants().ok()) << scheduler.CheckInvariants();
}

TEST(Scheduler, PromptLogprobsAreScoredInChunksOfTheRowsThereAre) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);  // 8 rows per step
  Request request = MakeRequest(1, 20);
  request.params.prompt_logprobs = 0;
  request.params.max_tokens = 1;
  ASSERT_TRUE(scheduler.Add(request).ok());
  std::vector<int64_t> scored;
  int drawn = 0;
  while (scheduler.has_sequences()) {
    StepPlan plan = *scheduler.Next();
    EXPECT_LE(plan.extents.sampled, 8);
    for (const LogitsRow& row : plan.rows) {
      if (row.scored != LogitsRow::kSample) EXPECT_EQ(row.scored, request.prompt[row.position]);
    }
    for (const SequenceEvent& event : CommitAll(scheduler, std::move(plan), kWord)) {
      if (event.kind == SequenceEvent::Kind::kPromptScored) scored.push_back(event.position);
      drawn += event.kind == SequenceEvent::Kind::kToken;
    }
  }
  std::vector<int64_t> all(19);
  std::iota(all.begin(), all.end(), 1);
  EXPECT_EQ(scored, all);
  EXPECT_EQ(drawn, 1);
}

TEST(Scheduler, AScoredPromptIsComputedInFullDespiteACachedPrefix) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(1, 40)).ok());
  Step(scheduler, kEos);
  Request request = MakeRequest(2, 40);
  request.params.prompt_logprobs = 3;
  ASSERT_TRUE(scheduler.Add(request).ok());
  EXPECT_EQ(scheduler.Next()->sequences[0].first_position, 0);
}

TEST(Scheduler, LimitsThatContradictEachOtherAreRefused) {
  const auto refused = [](auto change) {
    SchedulerConfig config = SmallConfig();
    change(config);
    return !Scheduler::Create(config, std::vector{PagedGroup()}, std::vector{4}).ok();
  };
  EXPECT_TRUE(refused([](SchedulerConfig& c) { c.max_num_batched_tokens = 3; }));
  EXPECT_TRUE(refused([](SchedulerConfig& c) { c.prefill_share = 0; }));
  EXPECT_TRUE(refused([](SchedulerConfig& c) { c.prefill_share = 1.01; }));
  EXPECT_TRUE(refused([](SchedulerConfig& c) { c.max_sampled = 3; }));
  EXPECT_TRUE(refused([](SchedulerConfig& c) { c.max_steps_in_flight = 3; }));
  EXPECT_TRUE(refused([](SchedulerConfig& c) { c.max_num_seqs = 0; }));
  EXPECT_TRUE(refused([](SchedulerConfig& c) { c.max_model_len = 1; }));
}

TEST(Scheduler, ABrokenSequenceIsReportedByName) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(5, 40)).ok());
  Step(scheduler, kWord);
  ASSERT_TRUE(scheduler.CheckInvariants().ok());
  const_cast<Sequence*>(scheduler.Find(5))->computed = 60;
  EXPECT_THAT(Refusal(scheduler.CheckInvariants()), HasSubstr("sequence 5: computed 60 <= known 41"));
}

TEST(Scheduler, ASharedBlockThatWouldBeWrittenIsReported) {
  Scheduler scheduler = MakeScheduler(SmallConfig(), 16);
  ASSERT_TRUE(scheduler.Add(MakeRequest(5, 40)).ok());
  Step(scheduler, kWord);
  auto* sequence = const_cast<Sequence*>(scheduler.Find(5));
  sequence->computed = sequence->scheduled = 20;  // inside a block that the prefix index names
  EXPECT_THAT(Refusal(scheduler.CheckInvariants()), HasSubstr("is written"));
}

}  // namespace
}  // namespace engine
