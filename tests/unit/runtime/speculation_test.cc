// Where drafts come from, what steps cost, and how long a draft is worth verifying.
#include "core/runtime/speculation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/runtime/prompt_lookup.h"
#include "tests/unit/runtime/scheduler_builders.h"

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int32_t> LookUp(std::vector<int32_t> tokens, int most) {
  const Sequence sequence = {.tokens = std::move(tokens)};
  DraftSlot slot = {.sequence = &sequence, .most = most};
  EXPECT_TRUE(PromptLookup().Propose({&slot, 1}).ok());
  return {slot.draft.tokens.begin(), slot.draft.tokens.begin() + slot.draft.size};
}

TEST(PromptLookup, ProposesWhatFollowedTheLongestContextSeenBefore) {
  EXPECT_THAT(LookUp({1, 2, 3, 50, 2, 3, 60, 1, 2, 3}, 3), ElementsAre(50, 2, 3));
}

TEST(PromptLookup, TheLatestOfEquallyLongContextsCounts) {
  EXPECT_THAT(LookUp({2, 3, 50, 4, 2, 3, 60, 5, 2, 3}, 2), ElementsAre(60, 5));
}

TEST(PromptLookup, ATokenNeverSeenBeforeHasNoDraft) { EXPECT_THAT(LookUp({1, 2, 3, 4}, 5), IsEmpty()); }

TEST(PromptLookup, ALoopIsFollowedRoundAndRound) {
  EXPECT_THAT(LookUp({9, 1, 2, 1, 2}, 5), ElementsAre(1, 2, 1, 2, 1));
}

TEST(PromptLookup, LongerContextsAreStrongerEvidence) {
  const Sequence sequence = {.tokens = {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4}};
  DraftSlot slot = {.sequence = &sequence, .most = 4};
  PromptLookup lookup;
  ASSERT_TRUE(lookup.Propose({&slot, 1}).ok());
  float before = lookup.Prior(0);
  for (int i = 0; i < slot.draft.size; ++i) {
    EXPECT_GE(lookup.Prior(slot.draft.evidence[i]), before);
    before = lookup.Prior(slot.draft.evidence[i]);
  }
  EXPECT_GT(lookup.Prior(slot.draft.evidence[3]), lookup.Prior(slot.draft.evidence[0]));
}

TEST(StepCost, LearnsFromStepsAndInterpolatesBetweenThem) {
  StepCost cost(16);
  EXPECT_LT(cost.Of(2) / cost.Of(1), 1.1) << "rows are taken to be cheap until one was tried";
  cost.Observe(1, 0.010);
  cost.Observe(5, 0.014);
  EXPECT_DOUBLE_EQ(cost.Of(1), 0.010);
  EXPECT_DOUBLE_EQ(cost.Of(3), 0.012);
  EXPECT_GT(cost.Of(9), 0.014);
}

TEST(StepCost, AStepThatWasInterruptedCountsLittle) {
  StepCost cost(16);
  for (int i = 0; i < 20; ++i) cost.Observe(1, 0.010);
  cost.Observe(1, 5.0);
  EXPECT_LT(cost.Of(1), 0.013);
}

TEST(StepCost, ForgetsWhatItHasNotSeenForLong) {
  StepCost cost(16);
  cost.Observe(1, 0.010);
  for (int i = 0; i < 30; ++i) cost.Observe(8, 0.080);
  EXPECT_GT(cost.Of(8), 0.070);
  for (int i = 0; i < 600; ++i) cost.Observe(1, 0.010);
  EXPECT_LT(cost.Of(8), 0.020) << "and would try again";
}

// Proposes what it is told to, at a price.
class FakeDrafter : public Drafter {
 public:
  explicit FakeDrafter(float chance, double seconds = 0) : chance_(chance), seconds_(seconds) {}
  absl::Status Propose(std::span<DraftSlot> slots) override {
    for (DraftSlot& slot : slots) slot.draft.size = slot.most;
    return absl::OkStatus();
  }
  float Prior(uint8_t) const override { return chance_; }
  double seconds_per_token() const override { return seconds_; }

 private:
  float chance_;
  double seconds_;
};

class SpeculationTest : public ::testing::Test {
 protected:
  // `num_sequences` that decode, and steps whose first row costs 10 ms and every other one `row_ms`.
  void Start(int num_sequences, std::unique_ptr<Drafter> drafter, double row_ms) {
    config_.max_sampled = 64;
    speculation_.emplace(std::move(drafter), config_, cost_);
    scheduler_.emplace(MakeScheduler(config_, 64));
    for (int id = 1; id <= num_sequences; ++id) {
      Request request = MakeRequest(id, 10, 100 * id);
      request.max_draft = Draft::kMaxTokens;
      ASSERT_TRUE(scheduler_->Add(request).ok());
    }
    Step(*scheduler_, 7);
    for (int rows = 1; rows <= 64; ++rows) {
      cost_.Observe(rows, 0.010 + 0.001 * row_ms * (rows - 1));
    }
  }

  // Tokens that the next step verifies.
  int NumDrafted() {
    EXPECT_TRUE(speculation_->Prepare(*scheduler_).ok());
    plan_ = *scheduler_->Next();
    int drafted = 0;
    for (const ScheduledSequence& part : plan_.sequences) drafted += part.num_drafted;
    return drafted;
  }

  SchedulerConfig config_ = SmallConfig();
  StepCost cost_{64};
  std::optional<Scheduler> scheduler_;
  std::optional<Speculation> speculation_;
  StepPlan plan_;
};

TEST_F(SpeculationTest, SureDraftsAreVerifiedInFullWhereRowsAreCheap) {
  Start(1, std::make_unique<FakeDrafter>(0.95f), 0.2);
  EXPECT_EQ(NumDrafted(), Draft::kMaxTokens);
}

TEST_F(SpeculationTest, DearRowsAndDoubtfulDraftsMakeShortOnes) {
  Start(1, std::make_unique<FakeDrafter>(0.7f), 2);
  const int drafted = NumDrafted();
  EXPECT_GT(drafted, 0);
  EXPECT_LT(drafted, 5);
}

TEST_F(SpeculationTest, NothingIsVerifiedWhereItCannotWin) {
  Start(1, std::make_unique<FakeDrafter>(0.2f), 3);
  EXPECT_EQ(NumDrafted(), 0);
}

TEST_F(SpeculationTest, ASequenceWhoseDraftsAreRightGetsMoreThanItsNeighbour) {
  Start(2, std::make_unique<FakeDrafter>(0.5f), 1);
  for (int i = 0; i < 12; ++i) {  // sequence 1 draws what is proposed to it (token 0), sequence 2 something else
    ASSERT_TRUE(speculation_->Prepare(*scheduler_).ok());
    StepPlan plan = *scheduler_->Next();
    std::vector<RowResult> rows;
    for (const LogitsRow& row : plan.rows) rows.push_back({.token = plan.sequences[row.sequence].id == 1 ? 0 : 9});
    scheduler_->Commit(std::move(plan), {.rows = rows});
  }
  EXPECT_GT(NumDrafted(), 0);
  for (const ScheduledSequence& part : plan_.sequences) EXPECT_EQ(part.num_drafted > 0, part.id == 1) << part.id;
}

TEST_F(SpeculationTest, ADearDrafterIsNotAskedWhereItCannotWin) {
  Start(1, std::make_unique<FakeDrafter>(0.6f, 0.009), 0.1);
  EXPECT_EQ(NumDrafted(), 0);
  Start(1, std::make_unique<FakeDrafter>(0.6f, 0.001), 0.1);
  EXPECT_GT(NumDrafted(), 0);
}

TEST_F(SpeculationTest, DraftsWaitWhileAPromptIsRead) {
  Start(1, std::make_unique<FakeDrafter>(0.95f), 0.2);
  ASSERT_TRUE(scheduler_->Add(MakeRequest(50, 100, 5000)).ok());
  EXPECT_EQ(NumDrafted(), 0);
  CommitAll(*scheduler_, std::move(plan_), 7);
  EXPECT_EQ(NumDrafted(), 0);
  CommitAll(*scheduler_, std::move(plan_), 7);
  EXPECT_GT(NumDrafted(), 0);
}

}  // namespace
}  // namespace engine
