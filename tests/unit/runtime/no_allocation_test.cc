// Counts calls of the global operator new, hence a binary of its own.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "core/runtime/prompt_lookup.h"
#include "core/runtime/prompt_pace.h"
#include "core/runtime/speculation.h"
#include "tests/unit/runtime/scheduler_builders.h"

namespace {
int64_t num_allocations = 0;
}  // namespace

void* operator new(size_t num_bytes) {
  ++num_allocations;
  if (void* memory = std::malloc(num_bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace engine {
namespace {

TEST(StepLoop, AWarmStepAllocatesNothing) {
  SchedulerConfig config = SmallConfig();
  config.max_steps_in_flight = 2;
  const std::vector<CacheGroup> groups = {PagedGroup(), WindowGroup(40)};
  Scheduler scheduler = *Scheduler::Create(config, groups, std::vector{40, 20});
  for (int id = 1; id <= 4; ++id) ASSERT_TRUE(scheduler.Add(MakeRequest(id, 16, 100 * id)).ok());
  std::vector<RowResult> rows(4, RowResult{.token = 7});
  StepPlan previous = *scheduler.Next();
  const auto step = [&] {
    StepPlan next = *scheduler.Next();
    scheduler.Commit(std::move(previous), {.rows = rows});
    previous = std::move(next);
  };
  for (int i = 0; i < 4; ++i) step();
  const int64_t before = num_allocations;
  for (int i = 0; i < 150; ++i) step();  // through four blocks of each sequence
  EXPECT_EQ(num_allocations, before);
  EXPECT_GT(scheduler.blocks().group(1).num_cached(), 0);
}

// Sequences that repeat one token: drafts are looked up, chosen, verified and accepted, through several blocks.
TEST(StepLoop, AWarmStepWithDraftsAllocatesNothing) {
  SchedulerConfig config = SmallConfig();
  config.max_sampled = 64;
  const std::vector<CacheGroup> groups = {PagedGroup(), WindowGroup(40)};
  Scheduler scheduler = *Scheduler::Create(config, groups, std::vector{40, 20});
  PromptPace pace(config);
  Speculation speculation(std::make_unique<PromptLookup>(), config, pace.decode_cost());
  for (int id = 1; id <= 4; ++id) {
    Request request = MakeRequest(id, 16, 100 * id);
    request.max_draft = Draft::kMaxTokens;
    ASSERT_TRUE(scheduler.Add(request).ok());
  }
  const std::vector<RowResult> rows(64, RowResult{.token = 7});
  const auto step = [&] {
    ASSERT_TRUE(speculation.Prepare(scheduler).ok());
    StepPlan plan = *scheduler.Next(pace.TokensBesideDecodes(scheduler.running()));
    pace.Observe(plan, 0.010);
    const size_t num_rows = plan.rows.size();
    scheduler.Commit(std::move(plan), {.rows = std::span(rows).first(num_rows)});
  };
  for (int i = 0; i < 4; ++i) step();
  const int64_t before = num_allocations;
  for (int i = 0; i < 10; ++i) step();
  EXPECT_EQ(num_allocations, before);
  EXPECT_GT(scheduler.stats().accepted_tokens, 300);
}

}  // namespace
}  // namespace engine
