// What an engine says of itself, and requests that it refuses or ends by the clock.
#include <future>
#include <thread>

#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

TEST(EngineStats, CountsTokensStepsAndEndsOfRequests) {
  const auto engine = OpenEngine(Q8Model(), {.num_speculative_tokens = 0});
  EXPECT_EQ(engine->stats().step.steps, 0);
  EXPECT_GT(engine->stats().step.kv_blocks, 0);
  Answer(*engine, Continue(RandomTokens(1, 40), 6));
  Answer(*engine, Continue(RandomTokens(1, 40), 6));

  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.step.steps, 12);
  EXPECT_EQ(stats.step.tokens_per_step.total(), 12);
  EXPECT_EQ(stats.step.prompt_tokens_queried, 80);
  EXPECT_EQ(stats.step.prompt_tokens_cached, 32);  // the prompt's one full block, the second time
  EXPECT_EQ(stats.step.tokens_per_step.sum(), 40 + 5 + 8 + 5);
  EXPECT_EQ(stats.request.open, 0);
  EXPECT_EQ(stats.request.prompt_tokens, 80);
  EXPECT_EQ(stats.request.generated_tokens, 12);
  EXPECT_EQ(stats.request.ended_by_length, 2);
  EXPECT_EQ(stats.request.time_to_first_token.total(), 2);
  EXPECT_EQ(stats.request.inter_token_latency.total(), 10);
  EXPECT_EQ(stats.request.time_per_output_token.total(), 2);
  EXPECT_EQ(stats.request.generation_lengths.sum(), 12);
  EXPECT_EQ(stats.request.computed_prompt_lengths.sum(), 40 + 8);
}

TEST(EngineStats, TimesOfARequestAddUp) {
  const auto engine = OpenEngine(Q8Model());
  Answer(*engine, Continue(RandomTokens(1, 40), 20));
  const RequestStats request = engine->stats().request;
  const double parts = request.queue_time.sum() + request.prefill_time.sum() + request.decode_time.sum();
  EXPECT_NEAR(request.queue_time.sum() + request.inference_time.sum(), parts, 1e-9);
  EXPECT_NEAR(request.time_to_first_token.sum(), request.queue_time.sum() + request.prefill_time.sum(), 1e-4);
  EXPECT_GE(request.total_time.sum(), parts);
}

TEST(EngineStats, FullQueueRefusesAndRoomIsThereAgainAfterwards) {
  const auto engine = OpenEngine(Q8Model(), {.max_num_seqs = 1, .max_queued_requests = 1});
  const GenerationRequest endless = Continue(RandomTokens(1, 20), SamplingParams::kUntilContextIsFull);
  std::promise<void> ended[2];
  std::vector<RequestId> ids;
  for (auto& end : ended) {
    const auto id = engine->Submit(endless, [&](const GenerationUpdate& update) {
      if (update.finish != Finish::kNone) end.set_value();
    });
    ASSERT_TRUE(id.ok()) << id.status();
    ids.push_back(*id);
  }
  EXPECT_EQ(engine->Submit(endless, [](const GenerationUpdate&) {}).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(engine->stats().request.rejected, 1);
  GenerationRequest part = endless;
  part.when_full = WhenFull::kDecline;
  EXPECT_EQ(engine->Submit(part, [](const GenerationUpdate&) {}).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(engine->stats().request.rejected, 1) << "it comes again";
  EXPECT_EQ(engine->stats().request.open, 2);
  part.when_full = WhenFull::kTake;
  const auto taken = engine->Submit(part, [](const GenerationUpdate&) {});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(engine->stats().request.open, 3);
  ids.push_back(*taken);

  for (const RequestId id : ids) engine->Cancel(id);
  for (auto& end : ended) end.get_future().wait();
  EXPECT_EQ(Answer(*engine, Continue({1}, 2)).tokens.size(), 2u);
  EXPECT_EQ(engine->stats().request.cancelled, 3);
}

TEST(EngineStats, ATenantWithLessThanItsShareFindsAPlaceInAFullQueue) {
  const auto engine = OpenEngine(Q8Model(), {.max_num_seqs = 1, .max_queued_requests = 4});
  std::vector<RequestId> ids;
  const auto submit = [&](const char* tenant) {
    GenerationRequest endless = Continue(RandomTokens(1, 20), SamplingParams::kUntilContextIsFull);
    endless.tenant = tenant;
    const auto id = engine->Submit(endless, [](const GenerationUpdate&) {});
    if (id.ok()) ids.push_back(*id);
    return id.ok();
  };
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(submit("flood"));
  EXPECT_FALSE(submit("flood"));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(submit("other"));
  EXPECT_FALSE(submit("other")) << "half of four";
  EXPECT_TRUE(submit("third"));
  EXPECT_FALSE(submit("third")) << "a third of four";
  for (const char* late : {"4", "5", "6"}) submit(late);
  EXPECT_LE(engine->stats().request.open, 1 + 2 * 4);
  for (const RequestId id : ids) engine->Cancel(id);
  while (engine->stats().request.open > 0) std::this_thread::yield();
  EXPECT_TRUE(submit("flood"));
  engine->Cancel(ids.back());
}

TEST(Deadline, LateRequestFailsWhileOthersGoOn) {
  const auto engine = OpenEngine(Q8Model());
  GenerationRequest late = Continue(RandomTokens(1, 20), SamplingParams::kUntilContextIsFull);
  late.timeout_seconds = 1e-6;
  EXPECT_EQ(engine->Generate(late).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(engine->stats().request.failed, 1);
  GenerationRequest in_time = Continue(RandomTokens(2, 20), 5);
  in_time.timeout_seconds = 3600;
  EXPECT_EQ(Answer(*engine, in_time).tokens.size(), 5u);
}

TEST(Histogram, BoundsBelongToTheBucketBelow) {
  constexpr double kBounds[] = {1, 2, 4};
  Histogram histogram(kBounds);
  for (const double value : {0.0, 1.0, 1.5, 2.0, 4.0, 5.0}) histogram.Add(value);
  EXPECT_EQ(std::vector<int64_t>(histogram.counts().begin(), histogram.counts().end()),
            (std::vector<int64_t>{2, 2, 1, 1}));
  EXPECT_EQ(histogram.total(), 6);
  EXPECT_EQ(histogram.sum(), 13.5);
}

}  // namespace
}  // namespace engine
