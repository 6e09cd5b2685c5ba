// A real model under load: many requests at once get the answers they get alone.
#include "core/base/resident_memory.h"
#include "engine/inspect.h"
#include "engine/model_path.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

constexpr char kModel[] = "smollm2-135m";

std::vector<GenerationRequest> Questions(int count) {
  std::vector<GenerationRequest> requests;
  for (int r = 0; r < count; ++r) {
    GenerationRequest request{.sampling = {.temperature = 0, .max_tokens = 10, .logprobs = 1}};
    request.messages = {{"user", "Tell me something about the number " + std::to_string(r * 37) + "."}};
    if (r % 3 == 0) request.sampling.temperature = 0.8f;
    request.sampling.seed = r;
    requests.push_back(std::move(request));
  }
  return requests;
}

TEST(RealModel, SixteenRequestsAtOnceAreAnsweredAsAlone) {
  if (!ResolveModel(kModel).ok()) GTEST_SKIP() << kModel << " is not in the cache; `engine pull " << kModel << "`";
  const auto engine = Engine::Create({.model = kModel, .max_model_len = 256, .enable_prefix_caching = false});
  ASSERT_TRUE(engine.ok()) << engine.status();
  const std::vector<GenerationRequest> requests = Questions(16);
  const std::vector<Generation> together = AnswerTogether(**engine, requests);
  for (size_t r = 0; r < requests.size(); r += 5) {
    ExpectSame(together[r], Answer(**engine, requests[r]), "request " + std::to_string(r));
  }
}

// As many sequences as may run fill the cache to its last block, so that everything planned has been touched; without
// drafts, whose rows of logits a step needs only where guesses pay.
TEST(RealModel, ResidentMemoryIsWhatThePlanSaid) {
  if (!ResolveModel(kModel).ok()) GTEST_SKIP() << kModel << " is not in the cache; `engine pull " << kModel << "`";
  const EngineOptions options = {
      .model = kModel, .max_model_len = 2048, .max_num_seqs = 4, .num_speculative_tokens = 0};
  const absl::StatusOr<PlanReport> plan = InspectPlan(options);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const auto engine = Engine::Create(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  std::vector<GenerationRequest> requests;
  for (int r = 0; r < options.max_num_seqs; ++r) {
    GenerationRequest& request = requests.emplace_back();
    for (int t = 0; t < 2000; ++t) request.prompt_tokens.push_back(100 + r * 2000 + t);
    request.sampling = {.temperature = 1, .ignore_eos = true, .max_tokens = 48};
  }
  AnswerTogether(**engine, requests);
  const auto resident = static_cast<double>(ResidentNow().total_bytes());
  const auto planned = static_cast<double>(plan->memory.total_bytes());
  std::printf("resident %.1f MB of %.1f planned\n", resident / 1e6, planned / 1e6);
  EXPECT_NEAR(resident / planned, 1.0, 0.03) << resident << " bytes are resident, " << planned << " were planned";
}

}  // namespace
}  // namespace engine
