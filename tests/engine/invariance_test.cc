// What runs beside a request, and how its steps are cut, changes nothing: tokens and the bits of their log-probabilities.
#include <optional>

#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

// Prompts of up to 92 tokens, longer than a block of the cache, a step's budget and the window.
constexpr int kRequests = 8;
constexpr int kNewTokens = 8;

class Invariance : public ::testing::TestWithParam<Subject> {
 protected:
  Invariance() : model_(GetParam().model), requests_(VariedRequests(kRequests, kNewTokens)) {}

  std::unique_ptr<Engine> Open(EngineOptions options) {
    options.kv_cache_dtype = GetParam().kv_cache_dtype;
    return OpenEngine(model_, options);
  }

  // Each request alone, in steps that take its whole prompt.
  std::vector<Generation> Alone() {
    const auto engine = Open({.enable_prefix_caching = false});
    std::vector<Generation> answers;
    answers.reserve(requests_.size());
    for (const GenerationRequest& request : requests_) answers.push_back(Answer(*engine, request));
    return answers;
  }

  void ExpectTogether(const EngineOptions& options, const std::vector<Generation>& expected, const std::string& what) {
    const auto engine = Open(options);
    const std::vector<Generation> answers = AnswerTogether(*engine, requests_);
    for (size_t r = 0; r < answers.size(); ++r) {
      ExpectSame(answers[r], expected[r % expected.size()], what + ", request " + std::to_string(r));
    }
  }

  void Repeat(int times) {
    const std::vector<GenerationRequest> once = requests_;
    for (int i = 1; i < times; ++i) requests_.insert(requests_.end(), once.begin(), once.end());
  }

  ModelOnDisk model_;
  std::vector<GenerationRequest> requests_;
};

TEST_P(Invariance, BatchOf3Or64IsTheSameAsAlone) {
  const std::vector<Generation> alone = Alone();
  ExpectTogether({.max_num_seqs = 3, .enable_prefix_caching = false}, alone, "batches of 3");
  Repeat(8);
  ExpectTogether({.max_num_seqs = 64, .enable_prefix_caching = false}, alone, "batches of 64");
}

TEST_P(Invariance, ChunksOf1Or7Or64AreTheSameAsWholePrompts) {
  const std::vector<Generation> alone = Alone();
  for (const int chunk : {1, 7, 64}) {
    ExpectTogether(
        {.max_num_seqs = std::min(chunk, 4), .max_num_batched_tokens = chunk, .enable_prefix_caching = false}, alone,
        "chunks of " + std::to_string(chunk));
  }
}

TEST_P(Invariance, PrefixHitIsTheSameAsMiss) {
  const std::vector<Generation> alone = Alone();
  const auto engine = Open({.enable_prefix_caching = true});
  int64_t cached = 0;
  for (const char* what : {"first time", "second time"}) {
    cached = 0;
    for (size_t r = 0; r < requests_.size(); ++r) {
      const Generation answer = Answer(*engine, requests_[r]);
      ExpectSame(answer, alone[r], what);
      cached += answer.cached_tokens;
    }
  }
  EXPECT_GT(cached, 0) << "nothing was found in the cache";
}

// Blocks for one whole context of 128 tokens: the first blocks of four sequences, but not their second ones.
TEST_P(Invariance, PreemptionChangesNothing) {
  requests_.clear();
  for (int r = 0; r < 4; ++r) requests_.push_back(Continue(RandomTokens(r, 28), 40));
  const std::vector<Generation> alone = Alone();
  const int64_t one_context = Open({.max_model_len = 128, .max_num_seqs = 1})->model().kv_cache_bytes;
  ExpectTogether({.max_model_len = 128, .max_num_seqs = 4, .kv_cache_bytes = one_context}, alone, "preempted");
}

TEST_P(Invariance, TwoOrThreeThreadsAreTheSameAsOne) {
  const std::vector<Generation> alone = Alone();
  for (const int threads : {2, 3}) ExpectTogether({.threads = threads}, alone, std::to_string(threads) + " threads");
}

INSTANTIATE_TEST_SUITE_P(Formats, Invariance, ::testing::ValuesIn(Subjects()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace engine
