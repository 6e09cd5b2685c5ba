// Several models in one process: one device, one plan, the same answers.
#include <thread>

#include "engine/inspect.h"
#include "engine/open_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const ModelOnDisk& Second() {
  static const ModelOnDisk model({.weights = DType::kBF16});
  return model;
}

std::vector<EngineOptions> Both(EngineOptions options) {
  options.threads = 2;
  std::vector<EngineOptions> both(2, options);
  both[0].model = Q8Model().path();
  both[1].model = Second().path();
  return both;
}

std::string Refusal(const std::vector<EngineOptions>& options) {
  const auto engines = Engine::CreateTogether(options);
  return engines.ok() ? "loaded" : std::string(Message(engines.status()));
}

absl::StatusOr<std::vector<PlannedModel>> Plan(const EngineOptions& options) {
  std::vector<OpenedModel> opened;
  for (const EngineOptions& model : Both(options)) {
    ASSIGN_OR_RETURN(OpenedModel one, OpenModel(model, opened.empty() ? Devices{} : opened[0].devices));
    opened.push_back(std::move(one));
  }
  return PlanTogether(std::vector<OpenedModel*>{&opened[0], &opened[1]});
}

TEST(Together, EachModelAnswersAsItDoesAlone) {
  auto engines = Engine::CreateTogether(Both({}));
  ASSERT_TRUE(engines.ok()) << engines.status();
  std::vector<GenerationRequest> requests;
  for (uint64_t r = 0; r < 6; ++r) requests.push_back(Continue(RandomTokens(r, 60), 30));
  std::vector<Generation> answers[2];
  {
    std::jthread other([&] { answers[1] = AnswerTogether(*(*engines)[1], requests); });
    answers[0] = AnswerTogether(*(*engines)[0], requests);
  }
  for (int m = 0; m < 2; ++m) {
    const auto alone = OpenEngine(m == 0 ? Q8Model() : Second());
    for (size_t r = 0; r < requests.size(); ++r) ExpectSame(answers[m][r], Answer(*alone, requests[r]), "together");
  }
}

TEST(Together, TheSecondGoesOnWhenTheFirstHasGone) {
  auto engines = Engine::CreateTogether(Both({}));
  ASSERT_TRUE(engines.ok()) << engines.status();
  engines->front() = nullptr;
  EXPECT_EQ(Answer(*engines->back(), Continue(RandomTokens(1, 20), 5)).tokens.size(), 5u);
}

TEST(Together, CachesShareWhatMemoryUtilizationLeaves) {
  const auto plan = Plan({.memory_utilization = 0.5f});
  ASSERT_TRUE(plan.ok()) << plan.status();
  const MemoryPlan &first = (*plan)[0].memory, &second = (*plan)[1].memory;
  const auto alone = InspectPlan({.model = Q8Model().path(), .memory_utilization = 0.5f});
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ(first.total_bytes() + second.limit_bytes, alone->memory.limit_bytes);
  EXPECT_LE(second.total_bytes(), second.limit_bytes);
  EXPECT_GT(second.total_bytes() + second.context_bytes, second.limit_bytes);
  const auto ratio = static_cast<double>(first.kv_cache_bytes) / static_cast<double>(second.kv_cache_bytes);
  EXPECT_NEAR(ratio, 1, 0.01);
  EXPECT_GT(first.process_bytes, 0);  // counted once
  EXPECT_EQ(second.process_bytes, 0);
}

TEST(Together, WhatDoesNotFitIsRefusedWithTheNumbersOfAll) {
  const auto memory = Plan({.memory_utilization = 1.0f});
  ASSERT_TRUE(memory.ok()) << memory.status();
  const int64_t tenth = (*memory)[0].memory.total_bytes() / 10;  // of the two halves, the first
  ASSERT_TRUE(Plan({.kv_cache_bytes = tenth, .memory_utilization = 0.2f}).ok());
  const absl::Status refused = Plan({.kv_cache_bytes = tenth, .memory_utilization = 0.08f}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(Message(refused)),
              AllOf(HasSubstr(Q8Model().path()), HasSubstr("beside the "), HasSubstr(" of other models")));
}

TEST(Together, TheLongestContextOfEachIsWhatItsShareHolds) {
  const auto plan = Plan({.max_model_len = EngineOptions::kLongestThatFits});
  ASSERT_TRUE(plan.ok()) << plan.status();
  for (const PlannedModel& model : *plan) EXPECT_GT(model.memory.context_bytes, 0);
}

TEST(Together, TheModelThatCannotBeLoadedIsNamed) {
  std::vector<EngineOptions> options = Both({});
  options[1].model = "/none/second.gguf";
  EXPECT_THAT(Refusal(options), HasSubstr("/none/second.gguf"));
  options = Both({.max_model_len = 4096});
  EXPECT_THAT(Refusal(options), AllOf(HasSubstr(Q8Model().path()), HasSubstr("4096")));
}

TEST(Together, WhatCannotBeSharedIsRefused) {
  std::vector<EngineOptions> options = Both({});
  options[1].threads = 1;
  EXPECT_THAT(Refusal(options), AllOf(HasSubstr("1 threads"), HasSubstr("share auto with 2")));
  options = Both({.draft_model = Q8Model().path()});
  EXPECT_THAT(Refusal(options), HasSubstr("draft model"));
}

}  // namespace
}  // namespace engine
