// A real model under load: many requests at once get the answers they get alone.
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

}  // namespace
}  // namespace engine
